"""The registry of formats: one module and one line add a format that the command line writes."""

import json
from pathlib import Path

import pytest

from auditor.render.formats import FORMATS, Format, registered
from tests.builders.service.command_line import AS_OF, call

LINES = Format(file="findings.txt", module="tests.render.format_template")


@pytest.mark.slow
@pytest.mark.parametrize("formats", ["lines", "lines,json"])
def test_a_format_of_one_module_and_one_line_is_written_by_an_audit(formats: str, tmp_path: Path) -> None:
    with registered("lines", LINES):
        asked = ("--demo", "--tenant", "fabrikam", "--as-of", AS_OF)
        done = call("audit", *asked, "-f", formats, "-f", "json=whole.json", "-o", "out", cwd=tmp_path)
    assert done.code in {0, 1}, done.err
    whole = json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))
    wanted = [
        f"{tenant['name']} {finding['policy']} {finding['check']} {finding['subject']['id']}"
        for tenant in whole["tenants"]
        for finding in tenant["findings"]
    ]
    assert wanted
    assert (tmp_path / "out" / LINES.file).read_text(encoding="utf-8").splitlines() == wanted


@pytest.mark.slow
def test_tables_are_equal_with_and_without_evidence_and_actions(tmp_path: Path) -> None:
    tables = [name for name, each in FORMATS.items() if each.streams]
    assert {"csv", "departments", "parquet"} == {name for name in tables if not FORMATS[name].reads_evidence}
    for folder, formats in (*((name, [name]) for name in tables), ("beside", [*tables, "json"])):
        done = call("audit", "--demo", "--as-of", AS_OF, "-f", ",".join(formats), "-o", folder, cwd=tmp_path)
        assert done.code in {0, 1}, done.err
    assert b"assign" in (tmp_path / "csv" / "findings.csv").read_bytes(), "guidance is a column"
    for name in tables:
        file = FORMATS[name].file
        assert (tmp_path / name / file).read_bytes() == (tmp_path / "beside" / file).read_bytes()


@pytest.mark.parametrize(
    ("command", "wrong"), [("audit", "md"), ("audit", "MARKDWON"), ("plan", "md"), ("verify", "md")]
)
def test_the_error_of_an_unknown_format_names_the_one_that_was_meant(command: str, wrong: str, tmp_path: Path) -> None:
    done = call(command, *(["plan.json"] if command == "verify" else ["--demo"]), "-f", wrong, cwd=tmp_path)
    assert (done.code, "did you mean 'markdown'?" in done.err) == (2, True), done.err


def test_a_document_with_an_empty_path_is_refused_for_its_path(tmp_path: Path) -> None:
    done = call("plan", "--demo", "-f", "json=", cwd=tmp_path)
    assert (done.code, "error[format-path]: 'json=' has no path" in done.err) == (2, True), done.err


def test_a_format_that_is_not_registered_is_refused_by_name(tmp_path: Path) -> None:
    done = call("audit", "--demo", "--as-of", AS_OF, "-f", "lines", "-o", "out", cwd=tmp_path)
    assert done.code == 2
    assert "format-unknown" in done.err


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="csv"), registered("csv", LINES):
        pass
    assert FORMATS["csv"].file == "findings.csv"
