"""Tests limits on the length of files and functions, and rules about names, exits and imports."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.package.tree import ROOT, files, modules, nodes

pytestmark = pytest.mark.slow
FILE_LINES = 350
FUNCTION_LINES = 50
VAGUE = {"base", "common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"}

PRESCRIBED = {"get_token", "get_request_from_request_information", "get_key"}
"""Names prescribed by interfaces of libraries: azure-core's TokenCredential, kiota's request adapter and options."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in nodes(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Return the number of lines from the first decorator or `def` to the end, without the docstring."""
    first = min([function.lineno, *(item.lineno for item in function.decorator_list)])
    lines = (function.end_lineno or first) - first + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def test_no_file_is_longer_than_350_lines() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in files("auditor", "tests", "benchmarks")
        if path.suffix == ".py" and (count := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{name}:{function.lineno} {function.name}": length(function)
        for name, tree in modules()
        for function in functions(tree)
        if length(function) > FUNCTION_LINES
    }
    assert long == {}


def test_length_of_a_function_excludes_its_docstring() -> None:
    tree = ast.parse('@cache\ndef f():\n    """Say.\n\n    More.\n    """\n    a = 1\n    return a\n')
    assert [length(function) for function in functions(tree)] == [4]


def test_no_module_has_a_vague_name_and_no_function_starts_with_get() -> None:
    vague = [name for name, _ in modules() if VAGUE & set(name.removesuffix(".py").split("/"))]
    getters = [
        f"{name}:{function.lineno} {function.name}"
        for name, tree in modules()
        for function in functions(tree)
        if function.name.startswith("get_") and function.name not in PRESCRIBED
    ]
    assert vague + getters == []


def ends_process(node: ast.AST) -> bool:
    """Whether a call ends the process."""
    match node:
        case ast.Call(func=ast.Name(id="exit" | "quit")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
            return (owner, name) in {("sys", "exit"), ("os", "_exit")}
        case _:
            return False


def test_only_the_main_module_exits_the_process() -> None:
    ending = [name for name, tree in modules() if any(map(ends_process, nodes(tree)))]
    assert ending == ["auditor/__main__.py"]


def imports(tree: ast.Module) -> set[str]:
    imported: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            imported.add(node.module)
    return imported


def test_domain_imports_only_msgspec_and_the_standard_library() -> None:
    foreign = {
        (name, module)
        for name, tree in modules("auditor/domain")
        for module in imports(tree)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "msgspec"}
        and not f"{module}.".startswith("auditor.domain.")
    }
    assert foreign == set()
