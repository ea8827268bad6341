"""The tests stand where their subjects stand: the folders of `tests` are those of `auditor`, and a few by name."""

import ast

import pytest

from tests.package.tree import ROOT, files, modules, nodes

EXTRA = {"builders", "corpus", "e2e", "emulator", "golden", "oracle", "package"}
"""Folders without a counterpart; docs/architecture.md says what each holds."""

DATA = {"policies", "reports"}
"""Packages of the wheel whose folders stand beside `auditor`."""

WIDEST = 16
"""Test modules in one folder."""

tests = [path.relative_to(ROOT / "tests") for path in files("tests") if path.suffix == ".py"]


def test_each_folder_of_tests_is_a_package_of_the_program_or_a_named_extra() -> None:
    packages = {path.parent.relative_to(ROOT / "auditor") for path in files("auditor") if path.name == "__init__.py"}
    own = {path.parent for path in tests if path.parent.parts and path.parts[0] not in EXTRA | DATA}
    assert sorted(map(str, own - packages)) == []


def test_only_what_all_tests_start_from_stands_at_the_top() -> None:
    assert {path.name for path in tests if len(path.parts) == 1} == {"__init__.py", "conftest.py"}


def test_no_folder_holds_more_tests_than_a_reader_overlooks() -> None:
    wide = {folder: count for folder in {path.parent for path in tests} if (count := _tests_in(folder)) > WIDEST}
    assert wide == {}


def _tests_in(folder: object) -> int:
    return sum(path.parent == folder and path.name.startswith("test_") for path in tests)


@pytest.mark.slow
def test_no_test_module_is_imported() -> None:
    shared = [
        f"{name}:{node.lineno} {node.module}"
        for name, tree in modules("tests")
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and ".test_" in f".{node.module}"
    ]
    assert shared == []


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.slow
def test_no_test_takes_hold_of_a_private_name() -> None:
    taken = []
    for name, tree in modules("tests"):
        own = {node.attr for node in nodes(tree) if isinstance(node, ast.Attribute) and _of_self(node)}
        for node in nodes(tree):
            match node:
                case ast.ImportFrom(module=str(module), names=names) if module.startswith("auditor"):
                    found = [each.name for each in names if private(each.name)]
                case ast.Attribute(attr=attribute) if attribute not in own:
                    found = [attribute] if private(attribute) else []
                case ast.Call(func=ast.Attribute(attr="setattr"), args=arguments):
                    texts = [each.value for each in arguments if isinstance(each, ast.Constant)]
                    found = [word for word in texts if isinstance(word, str) and private(word.rpartition(".")[2])]
                case _:
                    continue
            taken += [f"{name}:{node.lineno} {word}" for word in found]
    assert taken == []


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
