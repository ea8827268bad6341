"""Monthly terms are detected from the renewal dates of an earlier night (store or results) and of the audit."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.locations import store_at
from auditor.domain.errors import Diagnostic
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import call, expect
from tests.builders.tenant.tenants import NOW, bought, policy_set, subscription, tenant

POLICY = "policies: [{id: p, severity: low, subscriptions: {expiring: {within: 60d, exceptTerm: monthly}}}]"


def night(days_ago: int, ends: float) -> Snapshot:
    rows = [subscription("s", ends=ends), subscription("t", "SPE_E5", ends=20)]
    state = tenant(subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")], subscriptions=rows)
    return replace(state, manifest=replace(state.manifest, instant=NOW - timedelta(days=days_ago)))


@pytest.mark.slow
@pytest.mark.parametrize("history", ["store", "results"])
@pytest.mark.parametrize(("days_moved", "expected"), [(30, ["t"]), (26, ["s", "t"]), (0, ["s", "t"])])
def test_renewal_date_that_moved_by_a_month_is_a_monthly_term(
    tmp_path: Path, history: str, days_moved: int, expected: list[str]
) -> None:
    (tmp_path / "p.yaml").write_text(f"version: 1\n{POLICY}\n", encoding="utf-8")
    earlier = write(tmp_path / "before", night(30, 20 - days_moved))
    tonight = write(tmp_path / "tonight", night(0, 20))
    if history == "store":
        store_at(tmp_path / "kept").create().put(earlier)
    else:
        instant = (NOW - timedelta(days=30)).isoformat()
        call("audit", "p.yaml", "--snapshot", earlier, "--as-of", instant, "-o", "kept", "-f", "json", cwd=tmp_path)
    options = ("--as-of", NOW.isoformat(), "--history", "kept", "-o", "out", "-f", "csv")
    completed = call("audit", "p.yaml", "--snapshot", tonight, *options, cwd=tmp_path)
    assert completed.code in {0, 1}, completed.err
    (table,) = (tmp_path / "out").glob("*.csv")
    lines = table.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert sorted(name for name in ("s", "t") if any(f",{name}," in line for line in lines)) == expected


@pytest.mark.slow
def test_plan_and_its_verification_use_the_nights_of_the_audit(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"version: 1\n{POLICY}\n", encoding="utf-8")
    store_at(tmp_path / "kept").create().put(write(tmp_path / "before", night(30, -10)))
    state = ("--snapshot", write(tmp_path / "tonight", night(0, 20)), "--as-of", NOW.isoformat(), "-f", "json")
    expect(0, "plan", "p.yaml", *state, "--history", "kept", "-o", "plan", cwd=tmp_path)
    (plan,) = json.loads((tmp_path / "plan" / "plan.json").read_text())["tenants"]
    assert plan["before"]["open"] == 1, "the other subscription is monthly"
    for options, new in (((), 1), (("--history", "kept"), 0)):
        expect(new, "verify", "plan/plan.json", "p.yaml", *state, *options, "-o", "out", cwd=tmp_path)
        (tenant,) = json.loads((tmp_path / "out" / "verification.json").read_text())["tenants"]
        assert [finding["state"] for finding in tenant["findings"]].count("new") == new


@pytest.mark.slow
def test_both_sides_of_a_preview_use_the_nights_of_the_audit(tmp_path: Path) -> None:
    for side in ("base", "head"):
        (tmp_path / side).mkdir()
    (tmp_path / "base" / "p.yaml").write_text(f"version: 1\n{POLICY}\n", encoding="utf-8")
    without_terms = POLICY.replace(", exceptTerm: monthly", "")
    (tmp_path / "head" / "p.yaml").write_text(f"version: 1\n{without_terms}\n", encoding="utf-8")
    store_at(tmp_path / "kept").create().put(write(tmp_path / "before", night(30, -10)))
    state = ("--snapshot", write(tmp_path / "tonight", night(0, 20)), "--as-of", NOW.isoformat(), "-f", "json")
    for options, added in (((), []), (("--history", "kept"), ["s"])):
        expect(0, "preview", "head", "--base", "base", *state, *options, "-o", "out", cwd=tmp_path)
        (tenant,) = json.loads((tmp_path / "out" / "preview.json").read_text(encoding="utf-8"))["tenants"]
        assert [finding["subject"]["id"] for finding in tenant["added"]] == added


@pytest.mark.slow
@pytest.mark.parametrize("command", [("plan",), ("verify", "plan.json"), ("preview", "--base", ".")])
def test_a_missing_history_ends_the_command(command: tuple[str, ...], tmp_path: Path) -> None:
    completed = expect(2, *command, "--demo", "--history", "nowhere", cwd=tmp_path)
    assert "history-missing" in completed.err


@pytest.mark.slow
def test_earlier_nights_are_read_only_if_a_policy_uses_terms(tmp_path: Path) -> None:
    diagnostics: list[Diagnostic] = []
    without_terms = policy_set("policies: [{id: p, severity: low, seats: {of: paid}}]")
    assert earlier_dates([tmp_path / "nowhere"], without_terms, NOW, diagnostics.append) == {}
    store = store_at(tmp_path / "store").create()
    store.put(write(tmp_path / "a", night(40, 1)))
    store.put(write(tmp_path / "b", night(10, 1)))
    with_terms = policy_set(POLICY)
    dates = earlier_dates([tmp_path / "store", tmp_path / "store"], with_terms, NOW, diagnostics.append)
    assert [len(nights) for nights in dates["contoso"].values()] == [2, 2]
    assert diagnostics == []


def test_damaged_result_is_reported_and_ignored(tmp_path: Path) -> None:
    diagnostics: list[Diagnostic] = []
    (tmp_path / "result.json").write_text("{", encoding="utf-8")
    assert earlier_dates([tmp_path], policy_set(POLICY), NOW, diagnostics.append) == {}
    assert [item.slug for item in diagnostics] == ["renewal-dates-unread"]


@pytest.mark.slow
def test_damaged_night_of_a_store_is_a_warning_and_the_others_are_used(tmp_path: Path) -> None:
    """The audit is complete without it, so its exit code does not become 3 until the night is removed."""
    (tmp_path / "p.yaml").write_text(f"version: 1\n{POLICY}\n", encoding="utf-8")
    store = store_at(tmp_path / "kept").create()
    for days_ago, ends in ((30, -10.0), (10, 20.0)):
        store.put(write(tmp_path / "before", night(days_ago, ends)))
    commit = max((tmp_path / "kept" / "contoso" / "nights").iterdir())
    commit.write_text("garbage", encoding="utf-8")
    tonight = write(tmp_path / "tonight", night(0, 20))
    options = ("--as-of", NOW.isoformat(), "--history", "kept", "-f", "json=r.json", "--fail-on", "never")
    completed = expect(0, "audit", "p.yaml", "--snapshot", tonight, *options, cwd=tmp_path)
    assert "warning[renewal-dates-unread]" in completed.err
    assert commit.name in completed.err
    (found,) = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["tenants"][0]["findings"]
    assert found["subject"]["id"] == "t", "the other night shows that s has a monthly term"
