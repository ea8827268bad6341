"""`audit -f csv`: streamed formats have the same bytes with and without a format that needs all findings."""

from pathlib import Path

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, Ran, call, contents
from tests.builders.tenant.tenants import bought, tenant, user

pytestmark = pytest.mark.slow
FORMATS = {"csv": "findings.csv", "ndjson": "findings.ndjson", "parquet": "findings.parquet"}
HELD = "version: 1\npolicies:\n- {id: held, severity: high, assignments: {allow: []}}\n"
BALANCE = "version: 1\npolicies:\n- {id: b, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}}\n"


def assert_equal_outputs(folder: Path, *arguments: str | Path, code: int) -> None:
    """Audit twice, the second time with a format that needs all findings, and assert that the files are equal."""
    streamed = audit(folder, *arguments, "-f", ",".join(FORMATS), "-o", "a")
    complete = audit(folder, *arguments, "-f", ",".join([*FORMATS, "json"]), "-o", "b")
    assert streamed == complete
    assert streamed.code == code
    streamed_files, complete_files = contents(folder / "a"), contents(folder / "b")
    assert streamed_files == {name: complete_files[name] for name in FORMATS.values()}


def audit(folder: Path, *arguments: str | Path) -> Ran:
    return call("audit", *arguments, "--as-of", AS_OF, cwd=folder)


def test_findings_of_the_fleet_are_last(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD + BALANCE.partition("policies:\n")[2])
    for name, consumed in (("a", 100), ("b", 50)):
        state = tenant(
            user("ann", "SPE_E3"), name=name, tenant_id=f"id-{name}", subscribedSkus=[bought("SPE_E3", 100, consumed)]
        )
        write(tmp_path / "s", state)
    assert_equal_outputs(tmp_path, "p.yaml", "--snapshot", "s", code=1)
    lines = (tmp_path / "a" / "findings.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["a", "held"], ["b", "held"], ["", "b"]]


def test_several_row_groups_with_hostile_names(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    names = ["=cmd|'/C calc'!A1", "a\u202egnp.exe", "x\x1b[31mred", "line\nbreak", "\U0010ffff", 'a,"b"', "é" * 99]
    people = [
        user(f"n{index}", "SPE_E3", displayName=name, department=name) | {"id": name}
        for index, name in enumerate(names)
    ]
    write(tmp_path / "s", tenant(*people, rows=2))
    assert_equal_outputs(tmp_path, "p.yaml", "--snapshot", "s", code=1)


def test_report_writes_the_json_files_of_the_audit_again(tmp_path: Path) -> None:
    code = audit(tmp_path, "--demo", "-f", "json", "-o", "audited").code
    assert code == 1
    assert call("report", "audited/result.json", "-f", "json", "-o", "reported", cwd=tmp_path).code == 0
    assert contents(tmp_path / "reported") == contents(tmp_path / "audited")


def test_github_actions_summary_outputs_and_annotations_are_the_same(fleet: Path, tmp_path: Path) -> None:
    results = []
    for formats in ("csv", "csv,json"):
        job_folder = tmp_path / formats
        job_folder.mkdir()
        completed = call("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", formats, "-o", "o", cwd=job_folder,
                   GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(job_folder / "outputs"),
                   GITHUB_STEP_SUMMARY=str(job_folder / "summary"))  # fmt: skip
        outputs = (job_folder / "outputs").read_text().splitlines()
        results.append(
            (completed.code, completed.out, (job_folder / "summary").read_text(), "findings" in " ".join(outputs))
        )
        assert "open findings" in completed.text
    assert results[0] == results[1]


def test_compare_and_redact_work_with_csv_alone(fleet: Path, tmp_path: Path) -> None:
    audit(tmp_path, "--snapshot", fleet, "-f", "json=r.json")
    audit(tmp_path, "--snapshot", fleet, "-f", "csv", "--compare", "r.json", "--redact")
    header, first, *_ = (tmp_path / "out" / "findings.csv").read_text().splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=False))["change"] == "unchanged"


def test_unwritable_path_leaves_no_partial_files(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    before = contents(tmp_path)
    completed = audit(tmp_path, "--snapshot", fleet, "-f", "csv", "-f", f"ndjson=out/{'x' * 300}")
    assert completed.code in {2, 3}
    assert contents(tmp_path) == before
