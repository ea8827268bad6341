"""Tests that only `auditor.files` opens paths for writing, so that one package handles links and file modes."""

import ast
from collections.abc import Iterator

import pytest

from tests.package.tree import modules, nodes

WRITER_PACKAGE = "auditor/files/"
MODULES = frozenset({"tempfile", "fileinput", "shelve", "dbm", "sqlite3"})
"""Modules that create files by themselves."""
CALLS = frozenset(
    {
        *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "symlink_to", "hardlink_to", "renames"),
        *("symlink", "mkfifo", "mknod", "mkstemp", "mkdtemp", "truncate", "chmod", "lchmod", "fchmod"),
        *("copyfile", "copy2", "copytree", "copyfileobj", "move", "unpack_archive", "make_archive", "extractall"),
        *("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "TemporaryDirectory", "FileHandler"),
        *("RotatingFileHandler", "write_csv", "write_feather", "write_dataset", "output_stream", "memory_map"),
    }
)
"""Names of functions and methods that write to a path, on any object."""
PATH_OR_FILE = frozenset({"write_table", "ParquetWriter", "new_file", "new_stream", "ZipFile", "Workbook"})
"""Calls that take a path or an open file: `REASONS` lists the modules that use one, and what they pass."""
REASONS = {
    "auditor/app/mail/attachment.py": "a ZIP in memory, attached to a mail",
    "auditor/collect/tables/external_sort.py": "Arrow's writer gets a file that auditor.files opened",
    "auditor/collect/collector.py": "SnapshotWriter.write_table, which writes through auditor.files",
    "auditor/findings/spill.py": "Arrow in memory, for a spill file that the caller opened",
    "auditor/graph/transport/response_record.py": "Arrow's writer gets a file that auditor.files opened",
    "auditor/history/result_log.py": "Parquet in memory, an object of a store",
    "auditor/render/history/table.py": "Parquet in memory",
    "auditor/render/tables/parquet.py": "Parquet in memory, piece by piece",
    "auditor/render/tables/xlsx.py": "a workbook in memory, and a ZIP that hands its bytes on",
    "auditor/snapshot/writer.py": "Parquet in memory, or into files that auditor.files opened",
    "auditor/store/store.py": "SnapshotWriter.write_table, which writes through auditor.files",
    "auditor/store/delta/pack.py": "a ZIP in memory, an object of a store",
}
DEVICE = {
    "auditor/cli/terminal/streams.py": "os.devnull alone, for a standard stream that is closed or that nobody reads any more"
}


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _opens_for_writing(call: ast.Call, owner: str) -> bool:
    """Whether a call of `open` has a mode that writes, or a mode that is not a literal."""
    keyword = next((argument.value for argument in call.keywords if argument.arg == "mode"), None)
    position = 0 if isinstance(call.func, ast.Attribute) and owner not in {"io", "builtins", "codecs", "gzip"} else 1
    mode = keyword or (call.args[position] if len(call.args) > position else None)
    if mode is None:
        return False
    text = _text(mode)
    return not owner if text is None else bool(set("wax+") & set(text))


def writes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of every import and call in a module that may open a path for writing."""
    for node in nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, name) for name in imported if name.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if (
            name in CALLS | PATH_OR_FILE
            or (owner == "os" and name in {"open", "fdopen", "replace", "rename", "link"})
            # `Path.replace` has one argument, `str.replace` two; those of dates and data classes have keywords only.
            or (owner and name in {"replace", "rename"} and len(node.args) == 1 and not node.keywords)
            or (
                name == "OSFile" and len(node.args) + len(node.keywords) > 1 and _text(node.args[-1]) not in {"r", "rb"}
            )
            or (name == "open" and owner != "os" and _opens_for_writing(node, owner))
        ):
            yield node.lineno, name


@pytest.mark.slow
def test_only_auditor_files_opens_paths_for_writing() -> None:
    violations = {
        f"{path}:{line}: {name}"
        for path, tree in modules()
        if not path.startswith(WRITER_PACKAGE)
        for line, name in writes(tree)
        if not (name in PATH_OR_FILE and path in REASONS) and not (name == "open" and path in DEVICE)
    }
    assert violations == set()


@pytest.mark.slow
def test_every_listed_exception_still_writes() -> None:
    writers = {path: {name for _, name in writes(tree)} for path, tree in modules()}
    assert {path for path in REASONS if not writers[path] & PATH_OR_FILE} == set()
    assert {path for path in DEVICE if "open" not in writers[path]} == set()


@pytest.mark.parametrize(
    "code",
    [
        "path.open('wb')",
        "open(path, mode='a')",
        "open(path, mode)",
        "path.write_text('')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "os.replace(a, b)",
        "beside.replace(path)",
        "import tempfile",
        "from tempfile import mkstemp",
        "folder.mkdir()",
        "pa.OSFile(path, 'w')",
        "pq.write_table(table, path)",
    ],
)
def test_rule_recognises_calls_that_open_a_path_for_writing(code: str) -> None:
    assert list(writes(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "path.open('rb')",
        "path.open()",
        "open(path)",
        "text.replace('a', 'b')",
        "replace(value, a=1)",
        "pa.OSFile(path)",
    ],
)
def test_rule_accepts_calls_that_only_read(code: str) -> None:
    assert not list(writes(ast.parse(code)))
