"""Tests the layout of `tests`: the same folders as `auditor`, and a few additional ones."""

import ast
import pkgutil
import re
from collections import Counter
from configparser import ConfigParser

import pytest

from tests.package.tree import ROOT, files, modules, nodes

EXTRA = {"builders", "corpus", "e2e", "emulator", "golden", "oracle", "package"}
"""Folders without a counterpart in `auditor`; docs/architecture.md describes their contents."""

DATA = {"policies", "reports"}
"""Packages of the wheel whose folders are next to `auditor`."""

MAX_TEST_MODULES = 16
"""Maximum number of test modules in one folder."""

CODE_PATH = re.compile(r"auditor(?:\.[A-Za-z_]\w*)+")
FILE_SUFFIXES = (".pem", ".pfx")
"""Suffixes of files in the tests whose names otherwise look like a path in the program."""

tests = [path.relative_to(ROOT / "tests") for path in files("tests") if path.suffix == ".py"]


def test_each_test_folder_mirrors_a_package_of_auditor_or_is_a_listed_extra() -> None:
    packages = {path.parent.relative_to(ROOT / "auditor") for path in files("auditor") if path.name == "__init__.py"}
    folders = {path.parent for path in tests if path.parent.parts and path.parts[0] not in EXTRA | DATA}
    assert sorted(map(str, folders - packages)) == []


def test_each_package_with_several_modules_has_an_import_contract() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    covered = {
        package
        for section in contracts.values()
        for key, suffix in (("containers", ""), ("modules", ".*"))
        for line in section.get(key, "").split()
        if (package := line.removesuffix(suffix)) + suffix == line
    }
    code = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in files("auditor")
        if path.suffix == ".py"
    }
    siblings = Counter(module.rpartition(".")[0] for module in code)
    packages = {package for package, modules in siblings.items() if package in code and modules > 1}
    assert sorted(packages - covered) == []


def test_top_folder_contains_only_conftest_and_init() -> None:
    assert {path.name for path in tests if len(path.parts) == 1} == {"__init__.py", "conftest.py"}


@pytest.mark.slow
def test_no_folder_has_more_than_16_test_modules() -> None:
    oversized = {
        folder: count for folder in {path.parent for path in tests} if (count := _tests_in(folder)) > MAX_TEST_MODULES
    }
    assert oversized == {}


def _tests_in(folder: object) -> int:
    return sum(path.parent == folder and path.name.startswith("test_") for path in tests)


@pytest.mark.slow
def test_no_test_module_is_imported() -> None:
    imports = [
        f"{name}:{node.lineno} {node.module}"
        for name, tree in modules("tests")
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and ".test_" in f".{node.module}"
    ]
    assert imports == []


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.slow
def test_no_test_uses_a_private_name_of_the_program() -> None:
    uses = []
    for name, tree in modules("tests"):
        own_attributes = {node.attr for node in nodes(tree) if isinstance(node, ast.Attribute) and _of_self(node)}
        for node in nodes(tree):
            match node:
                case ast.ImportFrom(module=str(module), names=names) if module.startswith("auditor"):
                    private_names = [alias.name for alias in names if private(alias.name)]
                case ast.Attribute(attr=attribute) if attribute not in own_attributes:
                    private_names = [attribute] if private(attribute) else []
                case ast.Call(func=ast.Attribute(attr="setattr"), args=arguments):
                    texts = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
                    private_names = [
                        word for word in texts if isinstance(word, str) and private(word.rpartition(".")[2])
                    ]
                case _:
                    continue
            uses += [f"{name}:{node.lineno} {word}" for word in private_names]
    assert uses == []


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


@pytest.mark.slow
def test_each_path_in_the_program_that_a_text_of_the_tests_contains_exists() -> None:
    missing = [
        f"{name}:{node.lineno} {path}"
        for folder in ("tests", "benchmarks")
        for name, tree in modules(folder)
        for node in nodes(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for path in CODE_PATH.findall(node.value)
        if not path.endswith(FILE_SUFFIXES) and not _exists(path)
    ]
    assert missing == []


def _exists(path: str) -> bool:
    try:
        pkgutil.resolve_name(path)
    except (ImportError, AttributeError):
        return False
    return True
