"""Tests that files are written for their owner only, unless `--public` applies the umask."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.deliver.mail.sent_log import Mailing, SentLog
from auditor.files.folder import set_public
from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import TWO_PEOPLE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has access control lists instead of modes")


@pytest.fixture(autouse=True)
def default_umask() -> Iterator[None]:
    """Set the default umask, and reset it and `--public` after each test."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
        set_public(public=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two nights of one tenant, and a policy."""
    for day in (0, 1):
        write(tmp_path / "nights", night(TWO_PEOPLE, day))
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: a, severity: low, seats: {of: paid}}\n"
    )
    return tmp_path


def modes(*roots: Path) -> set[tuple[str, str]]:
    """Return the modes of folders and of everything below them."""
    return {
        ("folder" if path.is_dir() else "file", oct(stat.S_IMODE(path.lstat().st_mode)))
        for root in roots
        for path in (root, *root.rglob("*"))
    }


PRIVATE = {("file", "0o600"), ("folder", "0o700")}
PUBLIC = {("file", "0o644"), ("folder", "0o755")}
COMMANDS = [
    ("audit", "--snapshot", "nights", "-o", "made/out", "-f", "html,json,csv,ndjson,parquet,xlsx,sarif,junit", "-q"),
    ("audit", "--snapshot", "nights", "-o", "made", "-f", "terminal=made/said.txt", "-f", "json", "-q"),
    ("audit", "--snapshot", "nights", "-o", "made", "--findings", "made/findings.parquet", "-q"),
    ("audit", "--snapshot", "nights", "-o", "made", "-f", "json", "--store", "made/store", "-q"),
    ("plan", "--snapshot", "nights", "-o", "made", "-q"),
    ("preview", "--base", "policies", "--snapshot", "nights", "-o", "made", "-q"),
    ("store", "put", "made/store", "nights", "-q"),
    ("history", "store", "-f", "json=made/told/history.json", "-f", "csv=made/told/history.csv", "-q"),
    ("store", "get", "store", "contoso", "-o", "made/snapshots", "-q"),
]


@pytest.mark.slow
@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: "-".join(command[:2]))
def test_commands_write_private_files_unless_public(command: tuple[str, ...], folder: Path, *, public: bool) -> None:
    if "store" in command[1:]:
        assert call("store", "put", "store", "nights", "-q", cwd=folder).code == 0
    completed = call(*command, *(["--public"] if public else []), cwd=folder)
    assert completed.code in {0, 1}, completed.err
    assert modes(folder / "made") == (PUBLIC if public else PRIVATE)


@pytest.mark.slow
def test_auditor_public_variable_writes_public_files(folder: Path) -> None:
    audit = ("audit", "--snapshot", "nights", "-f", "json", "-q")
    assert call(*audit, cwd=folder, AUDITOR_PUBLIC="1").code == 0
    assert modes(folder / "out") == PUBLIC
    assert call(*audit, cwd=folder).code == 0
    assert ("file", "0o644") not in modes(folder / "out"), "a replaced file gets new permissions"


@pytest.mark.slow
def test_existing_folder_keeps_its_mode(folder: Path) -> None:
    (folder / "out").mkdir(mode=0o755)
    assert call("audit", "--snapshot", "nights", "-f", "csv", "-q", cwd=folder).code == 0
    assert modes(folder / "out") == {("file", "0o600"), ("folder", "0o755")}


def test_snapshots_are_private(folder: Path) -> None:
    assert modes(folder / "nights") == PRIVATE


def test_sent_log_is_always_private(tmp_path: Path) -> None:
    set_public(public=True)
    log = tmp_path / "sent.jsonl"
    SentLog(log).claim(Mailing(key="k", run="r", recipient="a@b.example", message_id="m"), datetime.now(UTC))
    assert modes(log) == {("file", "0o600")}


def test_files_without_tenant_data_are_public(tmp_path: Path) -> None:
    assert call("init", "made", cwd=tmp_path).code == 0
    assert modes(tmp_path / "made") == PUBLIC
