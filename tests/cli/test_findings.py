"""`audit --findings`: the rows of findings.parquet and the counts of result.json, without a finding held."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor import resources
from auditor.app.streaming import Aside, stream, write_streamed
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import DeliveryError
from auditor.engine.evaluate import judged_batches
from auditor.policy.loader import load
from auditor.snapshot.writer import write
from tests.builders.command_line import AS_OF, Ran, call, contents
from tests.builders.tenants import NOW, bought, tenant, user
from tests.wording.reading import LANGUAGES

HELD = "version: 1\npolicies:\n- {id: held, severity: high, assignments: {allow: []}}\n"
NAMES = ["A1B2", "a1b2", "x" * 300, "=cmd|'/C calc'!A1", "a\u202egnp.exe", "x\x1b[31mred", "line\nbreak", "\U0010ffff"]


def both(folder: Path, *what: str | Path, code: int) -> tuple[pa.Table, dict[str, Any]]:
    """Audit twice, with and without holding the findings, and hold the two against each other."""
    stacked = call("audit", *what, "--as-of", AS_OF, "--findings", "t/f.parquet", "-o", "a", cwd=folder)
    whole = call("audit", *what, "--as-of", AS_OF, "-f", "json,parquet", "-o", "b", cwd=folder)
    assert (stacked.code, stacked.err, whole.code) == (code, "", code)
    assert sorted(contents(folder / "a")) == ["summary.json"]
    assert sorted(contents(folder / "t")) == ["f.parquet"]
    table, expected = pq.read_table(folder / "t" / "f.parquet"), pq.read_table(folder / "b" / "findings.parquet")
    assert table.equals(expected.select(table.column_names))
    summary = json.loads((folder / "a" / "summary.json").read_text())
    check_counts(summary, json.loads((folder / "b" / "result.json").read_text()), table)
    return table, summary


def check_counts(summary: dict[str, Any], result: dict[str, Any], table: pa.Table) -> None:
    jsonschema.validate(summary, json.loads(resources.schema("summary")))
    assert summary["findings"] == {"file": "f.parquet", "rows": table.num_rows}
    assert {**summary["run"], "previous": None} == {**result["run"], "previous": None}
    assert summary["summary"] == result["summary"]
    for told, part in zip((*summary["tenants"], summary["fleet"]), (*result["tenants"], result["fleet"]), strict=True):
        assert {name: value for name, value in told.items() if name != "policies"} == {
            name: part[name] for name in told if name != "policies"
        }
        for mine, its in zip(told["policies"], part["policies"], strict=True):
            open_ = sum(one["policy"] == mine["id"] and one["status"] == "open" for one in part["findings"])
            assert mine == {**its, "open": open_}


def test_the_demo_has_the_same_rows_and_counts(tmp_path: Path) -> None:
    table, summary = both(tmp_path, "--demo", code=1)
    assert len(summary["tenants"]) == 2
    assert set(table["subjectType"].to_pylist()) > {"user", "product", "group"}
    assert table["waiver"].null_count < table.num_rows


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        call("audit", "--demo", "--as-of", AS_OF, "--findings", f"{name}/f", "-o", name, cwd=tmp_path)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_hostile_ids_stand_as_in_the_other_table(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    people = [user(f"n{place}", "SPE_E3") | {"id": name} for place, name in enumerate(NAMES)]
    write(tmp_path / "s", tenant(*people, name="a", rows=3))
    write(tmp_path / "s", tenant(name="b", tenant_id="b"))
    table, summary = both(tmp_path, "p.yaml", "--snapshot", "s", code=1)
    assert len(set(table["subjectId"].to_pylist())) == len(NAMES)
    assert not any(sign in text for text in table["subjectId"].to_pylist() for sign in "\x1b\u202e")
    assert [part["policies"][0]["findings"] for part in summary["tenants"]] == [len(NAMES), 0]


def test_findings_of_the_fleet_are_rows_of_no_tenant(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: b, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}}\n"
    )
    for name, consumed in (("a", 100), ("b", 50)):
        state = tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[bought("SPE_E3", 100, consumed)])
        write(tmp_path / "s", state)
    table, summary = both(tmp_path, "p.yaml", "--snapshot", "s", code=0)
    assert table["tenant"].to_pylist() == [None]
    assert [policy["open"] for policy in summary["fleet"]["policies"]] == [1]


def test_an_empty_tenant_is_a_table_without_rows(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    write(tmp_path / "s", tenant())
    table, _ = both(tmp_path, "p.yaml", "--snapshot", "s", code=0)
    assert (table.num_rows, table.column_names[:3]) == (0, ["run", "asOf", "tenant"])


def test_what_was_not_read_is_told_and_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"{HELD}- {{id: gone, severity: low, users: {{inactiveFor: 9d}}, assignments: "
                                     "{allow: []}}\n")  # fmt: skip
    write(tmp_path / "s", tenant(user("ann", "SPE_E3"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.DENIED}))
    _, summary = both(tmp_path, "p.yaml", "--snapshot", "s", code=3)
    assert [policy["status"] for policy in summary["tenants"][0]["policies"]] == ["fail", "not-evaluated"]
    ran = call("audit", "p.yaml", "--snapshot", "s", "--as-of", AS_OF, "--findings", "f", cwd=tmp_path)
    assert "1 policy not evaluated in contoso (Sign-in activity denied)." in ran.text
    assert "low  gone  not evaluated" in ran.text
    job = call("audit", "p.yaml", "--snapshot", "s", "--as-of", AS_OF, "--findings", "f", "-q", cwd=tmp_path,
               GITHUB_ACTIONS="true")  # fmt: skip
    assert job.text.startswith("::error title=The audit of contoso is incomplete::")
    assert "not evaluated: gone" in job.text


def test_a_tenant_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HELD)
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- {name: a, tenantId: 11111111-2222-3333-4444-555555555555, cloud: worldwide, "
        "credential: {type: token, tokenEnv: NOBODY_SETS_THIS}}\n"
    )
    ran = call("audit", "p.yaml", "--findings", "f.parquet", "--no-progress", cwd=tmp_path)
    assert ran.code == 3
    assert "The tenant could not be audited." in ran.text
    (lost,) = json.loads((tmp_path / "out" / "summary.json").read_text())["tenants"]
    assert "NOBODY_SETS_THIS" in lost["failure"]
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 0


def audit(here: Path, *more: str | Path, **environment: str) -> Ran:
    return call("audit", "--demo", "--as-of", AS_OF, "--findings", "f.parquet", *more, cwd=here, **environment)


@pytest.mark.parametrize(
    "more",
    [
        ("--redact",), ("--send",), ("--store", "s"), ("--history", "h"), ("--compare", "r.json"), ("-f", "html"),
        ("-f", "terminal=t.txt"), ("-f", "terminal,json"),
    ],
)  # fmt: skip
def test_what_needs_every_finding_is_refused_first(more: tuple[str, ...], tmp_path: Path) -> None:
    ran = audit(tmp_path, *more)
    assert (ran.code, "leave one of them out" in ran.err) == (2, True)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("place", [".", "file/f.parquet", "out/summary.json", "-"])
def test_a_place_where_no_file_can_be_is_refused_first(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = call("audit", "--demo", "--findings", place, cwd=tmp_path)
    assert (ran.code, "error[format-path]" in ran.err) == (2, True)
    assert sorted(contents(tmp_path)) == ["file"]


def test_a_summary_in_the_way_leaves_no_half_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "out" / ".summary.json").mkdir(parents=True)
    target = tmp_path / "out" / "summary.json"
    ran = audit(tmp_path, "-o", "x" * 300)
    assert ran.code in {2, 3}
    assert not target.exists()
    assert not (tmp_path / "f.parquet").exists()
    assert not list(tmp_path.glob(".f*"))


class FullDisk(BytesIO):
    """A scratch file on a disk without room."""

    def write(self, data: Any) -> int:
        del data
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    policies = load([("p.yaml", HELD.encode())]).policies
    states = [tenant(user("ann", "SPE_E3"))]
    found = stream(states, policies, builtin(), NOW, judge=judged_batches, aside=Aside(file=FullDisk()))
    write_streamed(found, tmp_path / "f", tmp_path / "s")  # so few need no room
    with pytest.raises(DeliveryError, match="No space left"):
        stream(states, policies, builtin(), NOW, judge=judged_batches, aside=Aside(file=FullDisk(), bound=0))


def test_quiet_is_quiet(tmp_path: Path) -> None:
    ran = audit(tmp_path, "-q", "-f", "terminal")
    assert (ran.code, ran.out, ran.err) == (1, b"", "")
    assert sorted(contents(tmp_path)) == ["f.parquet", "out", "out/summary.json"]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_terminal_says_what_is_left_out(language: str, tmp_path: Path) -> None:
    text = audit(tmp_path, "--locale", language).text
    assert ("are left out" in " ".join(text.split())) is (language == "en")
    assert "contoso: disabled-licensed" in text
    assert "f.parquet" in text


def test_a_job_gets_its_outputs(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    audit(tmp_path, "-q", GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(outputs))
    lines = outputs.read_text().splitlines()
    told = {line.split("<<")[0]: lines[number + 1] for number, line in enumerate(lines) if "<<" in line}
    assert told == {
        "result": "", "report": "", "sarif": "", "findings": "136", "highest-severity": "critical", "complete": "true",
        "exit-code": "1",
    }  # fmt: skip


def test_a_summary_is_no_result(tmp_path: Path) -> None:
    audit(tmp_path, "-q")
    ran = call("report", "out/summary.json", "-f", "markdown=-", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, b"")
