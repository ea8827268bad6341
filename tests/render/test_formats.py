"""Tests the registry of formats: a format added with one module and one line is available on the command line."""

import json
from pathlib import Path

import pytest

from auditor.domain.enums import Contents
from auditor.render.formats import FORMATS, Format
from tests.builders.service.command_line import AS_OF, call, expect

LINES = Format(file="findings.txt", module="tests.render.format_template")


@pytest.mark.slow
@pytest.mark.parametrize("formats", ["lines", "lines,json"])
def test_audit_writes_a_newly_registered_format(formats: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "lines", LINES)
    options = ("--demo", "--tenant", "fabrikam", "--as-of", AS_OF)
    completed = call("audit", *options, "-f", formats, "-f", "json=whole.json", "-o", "out", cwd=tmp_path)
    assert completed.code in {0, 1}, completed.err
    document = json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))
    expected = [
        f"{tenant['name']} {finding['policy']} {finding['check']} {finding['subject']['id']}"
        for tenant in document["tenants"]
        for finding in tenant["findings"]
    ]
    assert expected
    assert (tmp_path / "out" / LINES.file).read_text(encoding="utf-8").splitlines() == expected


@pytest.mark.slow
def test_tables_are_equal_with_and_without_evidence_and_actions(tmp_path: Path) -> None:
    tables = [name for name, format_ in FORMATS.items() if format_.reads < Contents.ACTIONS]
    assert {"csv", "departments", "parquet"} <= {
        name for name in tables if FORMATS[name].reads is Contents.GUIDED_COLUMNS
    }
    for folder, formats in (*((name, [name]) for name in tables), ("beside", [*tables, "json"])):
        completed = call("audit", "--demo", "--as-of", AS_OF, "-f", ",".join(formats), "-o", folder, cwd=tmp_path)
        assert completed.code in {0, 1}, completed.err
    assert b"assign" in (tmp_path / "csv" / "findings.csv").read_bytes(), "guidance is a column"
    for name in tables:
        file = FORMATS[name].file
        assert (tmp_path / name / file).read_bytes() == (tmp_path / "beside" / file).read_bytes()


@pytest.mark.parametrize(
    ("command", "wrong"), [("audit", "md"), ("audit", "MARKDWON"), ("plan", "md"), ("verify", "md")]
)
def test_error_of_an_unknown_format_suggests_the_nearest_one(command: str, wrong: str, tmp_path: Path) -> None:
    completed = call(command, *(["plan.json"] if command == "verify" else ["--demo"]), "-f", wrong, cwd=tmp_path)
    assert (completed.code, "did you mean 'markdown'?" in completed.err) == (2, True), completed.err


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_error_of_an_unknown_format_lists_the_formats_if_none_is_similar(command: str, tmp_path: Path) -> None:
    completed = expect(2, command, *(["plan.json"] if command == "verify" else ["--demo"]), "-f", "csv", cwd=tmp_path)
    assert "did you mean" not in completed.err
    assert "= help: one of " in completed.err
    assert "markdown" in completed.err
