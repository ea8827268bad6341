"""`auditor audit` of unusual tenants (hostile names, long names, empty), and comparison with redacted results."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, Ran, call, expect
from tests.builders.tenant.tenants import bought, tenant, user

pytestmark = pytest.mark.slow
ALL = "html,json,csv,markdown,sarif,junit,ndjson,parquet,xlsx,terminal"
# ruff: noqa: RUF001  names in their own scripts

NAMES = [
    "Zoë Ångström", "Дмитрий Ёлкин", "山田 太郎", "محمد عبد الله", "שָׁלוֹם", "กานต์", "अनुराधा", "Ὀδυσσεύς", "이순신",
    "İpek Işık", "👩‍👩‍👧 Family", "a\u202egnp.exe", "x\x1b[31mred\x07", "<script>alert(1)</script>", "=cmd|'/C calc'!A1",
    "{{ 7*7 }}", "%s %n", "[bold]rich[/bold]", "line\nbreak\ttab", "\u200b", " ", "e\u0301\u0323" * 40, "\ufdfa" * 30, "\U0010ffff",
]  # fmt: skip
POLICY = """\
version: 1
policies:
- {id: held, severity: high, assignments: {allow: []}}
- {id: facts, severity: low, users: {}, attributes: {require: [city]}}
- {id: spare, severity: low, seats: {of: '*', spare: {min: 1, max: 100}}}
"""
KEY = "a key of 16 bytes or more"


def audit(folder: Path, snapshot: Snapshot, *arguments: str) -> Ran:
    (folder / "p.yaml").write_text(POLICY)
    snapshot_folder = write(folder / "snapshots", snapshot)
    return call("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", ALL, *arguments, cwd=folder)


def result(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "out" / "result.json").read_text())
    return document


def test_names_in_every_script_are_kept_and_escaped_in_every_report(tmp_path: Path) -> None:
    people = [user(f"u{number:02}", "SPE_E3", displayName=name) for number, name in enumerate(NAMES)]
    completed = audit(tmp_path, tenant(*people, subscribedSkus=[bought("SPE_E3", 50, len(NAMES))]))
    assert (completed.code, completed.err) == (1, "")
    subjects = {
        finding["subject"]["id"]: finding["subject"]["name"] for finding in result(tmp_path)["tenants"][0]["findings"]
    }
    assert [subjects[f"id-u{number:02}"] for number in range(len(NAMES))] == NAMES
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "\u202e" not in completed.text
    assert not {"\x1b", "\x07"} & set(completed.text)
    ET.parse(tmp_path / "out" / "junit.xml")
    for line in (tmp_path / "out" / "findings.csv").read_bytes().decode("utf-8-sig").splitlines():
        assert not any(cell.startswith(("=", "@")) for cell in line.split(","))
    assert pq.read_table(tmp_path / "out" / "findings.parquet").num_rows == 2 * len(NAMES)


def test_name_of_five_thousand_characters(tmp_path: Path) -> None:
    completed = audit(tmp_path, tenant(user("ann", "SPE_E3", displayName="ñ" * 5000, department="d" * 5000)))
    assert (completed.code, completed.err) == (1, "")
    assert result(tmp_path)["tenants"][0]["findings"][0]["subject"]["name"] == "ñ" * 5000


def test_tenant_without_users_and_products(tmp_path: Path) -> None:
    completed = audit(tmp_path, tenant())
    assert (completed.code, completed.err) == (0, "")
    (tenant_result,) = result(tmp_path)["tenants"]
    assert ([outcome["status"] for outcome in tenant_result["policies"]], tenant_result["seats"]) == (["pass"] * 3, [])


@pytest.mark.parametrize(
    ("first", "second", "redact", "change"),
    [
        (KEY, KEY, "--redact", {"unchanged"}),
        (KEY, KEY[::-1], "--redact", {None}),
        (KEY, "", "--redact", {None}),
        ("", "", "--redact", {None}),
        (KEY, KEY, "", {None}),
    ],
)
def test_compare_with_a_redacted_result_requires_the_same_key(
    first: str, second: str, redact: str, change: set[str | None], tmp_path: Path
) -> None:
    state = tenant(user("ann", "SPE_E3"))
    snapshot_folder = write(tmp_path / "snapshots", state)
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: p, severity: high, assignments: {deny: [SPE_E3]}}\n"
    )
    arguments = ("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF)
    expect(1, *arguments, "--redact", "-f", "json=before.json", cwd=tmp_path, AUDITOR_REDACT_KEY=first)
    options = (redact,) if redact else ()
    completed = call(
        *arguments, *options, "-f", "json=-", "--compare", "before.json", cwd=tmp_path, AUDITOR_REDACT_KEY=second
    )
    assert {finding["change"] for finding in json.loads(completed.out)["tenants"][0]["findings"]} == change
    assert ("compare-pseudonyms" in completed.err) is (change == {None})
