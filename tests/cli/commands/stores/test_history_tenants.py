"""`auditor history` of many tenants: the table at the start, and the order of the tenants."""

import re
from pathlib import Path

from auditor.result.ranking import MAX_SECTIONS
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

RULES = (
    "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
)


def test_tenants_with_the_worst_findings_are_first_in_the_table_and_below_it(tmp_path: Path) -> None:
    count = MAX_SECTIONS + 2
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    for number in range(1, count + 1):
        people = [user(f"p{person}", grant(E3), accountEnabled=False) for person in range(number)]
        write(tmp_path / "snapshots", snapshot(people, {E3: number}, name=f"t{number:02}"))
    expect(
        1, "audit", "rules.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json", "-o", "out", cwd=tmp_path
    )
    expect(0, "store", "put", "store", "out/result.json", cwd=tmp_path)
    text = expect(0, "history", "store", "-f", "html=h.html", "-f", "terminal", cwd=tmp_path).text
    names = [f"t{number:02}" for number in range(count, 0, -1)]
    assert re.findall(r"^ +(t\d+) +\d+ +\d+ *$", text, re.MULTILINE) == names, "without prices there is no cost"
    assert re.findall(r"^(t\d+): ", text, re.MULTILINE) == names[:MAX_SECTIONS]
    assert "and 2 more (--all)" in text
    page = (tmp_path / "h.html").read_text(encoding="utf-8")
    assert re.findall(r'<a href="#(t\d+)">(t\d+)</a>', page) == [(f"t{i}", name) for i, name in enumerate(names, 1)]
    assert re.findall(r'<section class="tenant" id="t\d+">\n<h2>(t\d+)</h2>', page) == names


def test_snapshot_option_is_the_same_as_a_location(tmp_path: Path) -> None:
    for name in ("t01", "t02"):
        write(tmp_path / name, snapshot([user("ann", grant(E3))], {E3: 1}, name=name))
    both = expect(0, "history", "--snapshot", "t01", "--snapshot", "t02", cwd=tmp_path).text
    assert both == expect(0, "history", "t01", "--snapshot", "t02", cwd=tmp_path).text
    assert both == expect(0, "history", "t01", "t02", cwd=tmp_path).text
    assert "required: LOCATION" in expect(2, "history", cwd=tmp_path).err
