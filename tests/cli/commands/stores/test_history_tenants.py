"""`auditor history` of many tenants: the table at the start, the order of the tenants, and which are shown."""

import json
import re
from pathlib import Path

import pytest

from auditor.result.ranking import MAX_SECTIONS
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import AS_OF, call, expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

pytestmark = pytest.mark.slow


def test_tenants_with_the_worst_findings_are_first_in_the_table_and_below_it(tmp_path: Path) -> None:
    count = MAX_SECTIONS + 2
    (tmp_path / "rules.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
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


def test_totals_of_tenants_with_several_currencies_are_never_converted(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    for number, (currency, price) in enumerate((("EUR", "36.90"), ("TRY", "1500"), ("EUR", "40")), start=1):
        people = [user(f"p{person}", grant(E3), accountEnabled=False) for person in range(number)]
        state = write(tmp_path / "snapshots", snapshot(people, {E3: number}, name=f"t{number}"))
        prices = f"version: 1\nprices: {{currency: {currency}, perSeatPerMonth: {{{E3}: {price}}}}}\n"
        (tmp_path / "prices.yaml").write_text(prices, encoding="utf-8")
        run = ("audit", "rules.yaml", "prices.yaml", "--snapshot", state, "--as-of", AS_OF, "--store", "store")
        expect(0, *run, "--fail-on", "never", "-f", "json", cwd=tmp_path)
    text = expect(0, "history", "store", "-f", "html=h.html", "-f", "terminal", cwd=tmp_path, COLUMNS="150").text
    (line,) = re.findall(r"^ +All tenants together +(.*?) *$", text, re.MULTILINE)
    assert re.split(" {2,}", line) == ["6", "6", "€156.90 a month; TRY 3,000.00 a month"]
    assert ">€156.90 a month; TRY\N{NO-BREAK SPACE}3,000.00 a month</td>" in (tmp_path / "h.html").read_text("utf-8")


def test_snapshot_option_is_the_same_as_a_location(tmp_path: Path) -> None:
    for name in ("t01", "t02"):
        write(tmp_path / name, snapshot([user("ann", grant(E3))], {E3: 1}, name=name))
    both = expect(0, "history", "--snapshot", "t01", "--snapshot", "t02", cwd=tmp_path).text
    assert both == expect(0, "history", "t01", "--snapshot", "t02", cwd=tmp_path).text
    assert both == expect(0, "history", "t01", "t02", cwd=tmp_path).text
    assert "required: LOCATION" in expect(2, "history", cwd=tmp_path).err


def test_several_tenants_can_be_selected(tmp_path: Path) -> None:
    for name in ("t01", "t02", "t03"):
        write(tmp_path / "nights", snapshot([user("ann", grant(E3))], {E3: 1}, name=name))
    two = ("history", "nights", "--tenant", "t01", "--tenant", "t03")
    shown = json.loads(expect(0, *two, "-f", "json", cwd=tmp_path).out)["tenants"]
    assert [tenant["name"] for tenant in shown] == ["t01", "t03"]
    assert "no tenant 't04'" in expect(2, *two, "--tenant", "t04", cwd=tmp_path).err
    error = expect(2, *two, "--from", "2026-01-01", "--to", "2027-01-01", "--people", cwd=tmp_path).err
    assert "there are several tenants: specify one with --tenant" in error


@pytest.fixture(scope="module")
def leavers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of t01 and t02, of which only t02 has findings: one of each of two policies, about zoe."""
    folder = tmp_path_factory.mktemp("leavers")
    rules = DENIED_TO_LEAVERS.replace("id: leavers,", "id: leavers, title: Nobody who has left has a licence,")
    more = "- {id: no-e3, severity: low, users: {accountEnabled: false}, assignments: {deny: [SPE_E3]}}\n"
    (folder / "rules.yaml").write_text(rules.replace("policies: [", "policies:\n- ").replace("}}]", "}}") + more)
    for name, enabled in (("t01", True), ("t02", False)):
        people = [user("zoe", grant(E3), accountEnabled=enabled)]
        write(folder / "snapshots", snapshot(people, {E3: 1}, name=name))
    audit = ("audit", "rules.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json", "-o", "out")
    expect(1, *audit, cwd=folder)
    expect(0, "store", "put", "store", "out/result.json", cwd=folder)
    return folder


def test_policy_is_looked_up_in_every_tenant_and_named_by_its_title(leavers: Path) -> None:
    shown = expect(0, "history", "store", "--policy", "leavers", cwd=leavers).text
    assert "t02: Nobody who has left has a licence (leavers)" in shown
    assert "t01" not in shown, "it has no such finding"
    tenants = json.loads(expect(0, "history", "store", "--policy", "leavers", "-f", "json", cwd=leavers).out)["tenants"]
    assert [(tenant["name"], len(tenant["episodes"])) for tenant in tenants] == [("t01", 0), ("t02", 1)]


def test_findings_about_a_person_name_the_titles_of_policies(leavers: Path) -> None:
    wide = expect(0, "history", "store", "--person", "zoe", cwd=leavers, COLUMNS="120")
    assert re.search("high +Nobody who has left has a licence +Zoe", wide.text)
    assert re.search("low +no-e3 +Zoe", wide.text), "a policy without a title has its id"
    narrow = call("history", "store", "--person", "zoe", cwd=leavers, COLUMNS="80")
    assert re.search("high +Nobody who ha[a-z ]*\u2026 +Zoe", narrow.text)


def test_a_name_that_no_tenant_has_is_unknown_once(leavers: Path) -> None:
    completed = expect(0, "history", "store", "--policy", "leaver", cwd=leavers)
    assert "no stored result of t01, t02 has a policy 'leaver'" in completed.err
    assert completed.err.count("did you mean leavers?") == 1
    assert "t01, t02: no stored result has a finding of leaver" in completed.text


def test_tenant_without_results_fails_alone(leavers: Path, tmp_path: Path) -> None:
    write(tmp_path / "nights", snapshot([user("ann", grant(E3))], {E3: 1}, name="t03"))
    completed = expect(3, "history", str(leavers / "store"), "nights", "--policy", "leavers", cwd=tmp_path)
    assert "t02: Nobody who has left" in completed.text
    assert re.search("t03: .* has no result of t03", completed.err)


def test_failures_of_tenants_that_are_not_selected_are_not_reported(tmp_path: Path) -> None:
    for name in ("t01", "t02", "t03"):
        folder = write(tmp_path / "nights", snapshot([user("ann", grant(E3))], {E3: 1}, name=name))
    (folder / "manifest.json").write_text("{")
    expect(0, "history", "nights", "--tenant", "t01", "--tenant", "t02", cwd=tmp_path)
    assert "t03" in expect(3, "history", "nights", "--tenant", "t01", "--tenant", "t03", cwd=tmp_path).err


def test_two_documents_on_stdout_are_an_error(tmp_path: Path) -> None:
    completed = expect(2, "history", "audits", "-f", "json", "-f", "csv", cwd=tmp_path)
    assert "two outputs would be written to stdout" in completed.err


def test_text_for_people_goes_to_stderr_if_stdout_is_a_document(tmp_path: Path) -> None:
    write(tmp_path / "nights", snapshot([user("ann", grant(E3))], {E3: 1}))
    completed = expect(0, "history", "nights", "-f", "json,terminal", cwd=tmp_path)
    assert json.loads(completed.out)["tenants"]
    assert completed.err.startswith("contoso: nights: 1")
