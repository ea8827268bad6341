"""Tests that only `auditor.files` opens paths for reading, apart from listed exceptions with a reason."""

import ast

import pytest

from tests.package.tree import modules, nodes

READS = frozenset({"read_bytes", "read_text", "open", "OSFile", "memory_map", "fromfile", "read_table", "read_csv"})
"""Calls that open a path. Modules that call them on packaged data or on open files are listed below."""
PACKAGED = "packaged data, which comes with the program"
OPENED = "the argument is bytes or a file that is open already"
ALLOWED = {
    "auditor/app/scaffold/starter_policies.py": PACKAGED,
    "auditor/app/policy_files.py": PACKAGED,
    "auditor/app/audit/remediation.py": PACKAGED,
    "auditor/catalogue/directory_roles.py": PACKAGED,
    "auditor/catalogue/store.py": PACKAGED,
    "auditor/demo/policy_files.py": PACKAGED,
    "auditor/resources.py": PACKAGED,
    "auditor/installation.py": "reads the metadata of its own installation",
    "auditor/localization/catalogues.py": PACKAGED,
    "auditor/render/plan/scripts/powershell.py": PACKAGED,
    "auditor/history/result_log.py": OPENED,
    "auditor/store/delta/pack.py": OPENED,
    "auditor/cli/terminal/streams.py": "opens a part of the output, no path",
    "auditor/policy/references.py": "opens a level of names, no path",
    "auditor/policy/sections/selectors.py": "opens a level of names, no path",
    "auditor/collect/tables/external_sort.py": "a scratch file that this process wrote",
    "auditor/graph/transport/response_record.py": "Arrow opens what was found to be a regular file",
    "auditor/snapshot/parquet/integrity.py": "Arrow opens what was found to be a regular file",
    "auditor/snapshot/parquet/members.py": "Arrow opens what was found to be a regular file",
}
WRITES = frozenset("wax")


def opening(tree: ast.Module) -> list[int]:
    """Return the lines that may open a path for reading."""
    lines = []
    for node in nodes(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in READS and not _writes(node):
            lines.append(node.lineno)
    return lines


def _writes(call: ast.Call) -> bool:
    """Whether a call opens a path for writing, according to its mode or its flags for `os.open`."""
    texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    flags = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
    return any(len(text) <= 3 and WRITES & set(text) for text in texts) or bool(flags & {"O_WRONLY", "O_RDWR"})


@pytest.mark.slow
def test_only_auditor_files_opens_paths_for_reading() -> None:
    lines_of = {
        path: lines for path, tree in modules() if not path.startswith("auditor/files/") and (lines := opening(tree))
    }
    assert {path: lines for path, lines in lines_of.items() if path not in ALLOWED} == {}


@pytest.mark.slow
def test_every_listed_exception_still_opens_a_path() -> None:
    needed = {path for path, tree in modules() if opening(tree)}
    assert set(ALLOWED) - needed == set()


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("path.read_bytes()", True),
        ("open(path)", True),
        ("path.open('rb')", True),
        ("path.open('wb')", False),
        ("open(path, mode='a')", False),
        ("os.open(path, os.O_WRONLY | os.O_CREAT)", False),
        ("os.open(path, os.O_RDONLY)", True),
        ("files.read(path, max_bytes=1)", False),
        ("pa.OSFile(path)", True),
    ],
)
def test_rule_recognises_calls_that_open_a_path_for_reading(code: str, *, reads: bool) -> None:
    assert bool(opening(ast.parse(code))) is reads
