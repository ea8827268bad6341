"""Tests the layout of `tests`: the same folders as `auditor`, and a few additional ones."""

import ast

import pytest

from tests.package.tree import ROOT, files, modules, nodes

EXTRA = {"builders", "corpus", "e2e", "emulator", "golden", "oracle", "package"}
"""Folders without a counterpart in `auditor`; docs/architecture.md describes their contents."""

DATA = {"policies", "reports"}
"""Packages of the wheel whose folders are next to `auditor`."""

MAX_TEST_MODULES = 16
"""Maximum number of test modules in one folder."""

tests = [path.relative_to(ROOT / "tests") for path in files("tests") if path.suffix == ".py"]


def test_each_test_folder_mirrors_a_package_of_auditor_or_is_a_listed_extra() -> None:
    packages = {path.parent.relative_to(ROOT / "auditor") for path in files("auditor") if path.name == "__init__.py"}
    folders = {path.parent for path in tests if path.parent.parts and path.parts[0] not in EXTRA | DATA}
    assert sorted(map(str, folders - packages)) == []


def test_top_folder_contains_only_conftest_and_init() -> None:
    assert {path.name for path in tests if len(path.parts) == 1} == {"__init__.py", "conftest.py"}


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
