"""Monthly terms are told by two nights: those of a store, those of saved results, and tonight."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.locations import store_at
from auditor.domain.errors import Diagnostic
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.tenants import NOW, bought, policy_set, subscription, tenant

POLICY = "policies: [{id: p, severity: low, subscriptions: {expiring: {within: 60d, exceptTerm: monthly}}}]"


def night(days_ago: int, ends: float) -> Snapshot:
    rows = [subscription("s", ends=ends), subscription("t", "SPE_E5", ends=20)]
    state = tenant(subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")], subscriptions=rows)
    return replace(state, manifest=replace(state.manifest, instant=NOW - timedelta(days=days_ago)))


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["store", "results"])
@pytest.mark.parametrize(("moved", "found"), [(30, ["t"]), (26, ["s", "t"]), (0, ["s", "t"])])
def test_a_date_that_moves_by_a_month_between_two_nights(
    tmp_path: Path, kept: str, moved: int, found: list[str]
) -> None:
    (tmp_path / "p.yaml").write_text(f"version: 1\n{POLICY}\n", encoding="utf-8")
    earlier = write(tmp_path / "before", night(30, 20 - moved))
    tonight = write(tmp_path / "tonight", night(0, 20))
    if kept == "store":
        store_at(tmp_path / "kept").create().put(earlier)
    else:
        at = (NOW - timedelta(days=30)).isoformat()
        call("audit", "p.yaml", "--snapshot", earlier, "--as-of", at, "-o", "kept", "-f", "json", cwd=tmp_path)
    options = ("--as-of", NOW.isoformat(), "--history", "kept", "-o", "out", "-f", "csv")
    ran = call("audit", "p.yaml", "--snapshot", tonight, *options, cwd=tmp_path)
    assert ran.code in {0, 1}, ran.err
    (table,) = (tmp_path / "out").glob("*.csv")
    lines = table.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert sorted(name for name in ("s", "t") if any(f",{name}," in line for line in lines)) == found


def test_nights_are_read_only_where_a_policy_asks_for_terms(tmp_path: Path) -> None:
    diagnostics: list[Diagnostic] = []
    plain = policy_set("policies: [{id: p, severity: low, seats: {of: paid}}]")
    assert earlier_dates([tmp_path / "nowhere"], plain, NOW, diagnostics.append) == {}
    store = store_at(tmp_path / "store").create()
    store.put(write(tmp_path / "a", night(40, 1)))
    store.put(write(tmp_path / "b", night(10, 1)))
    asking = policy_set(POLICY)
    found = earlier_dates([tmp_path / "store", tmp_path / "store"], asking, NOW, diagnostics.append)
    assert [len(nights) for nights in found["contoso"].values()] == [2, 2]
    assert diagnostics == []


def test_a_damaged_night_is_reported_and_tells_nothing(tmp_path: Path) -> None:
    diagnostics: list[Diagnostic] = []
    (tmp_path / "result.json").write_text("{", encoding="utf-8")
    assert earlier_dates([tmp_path], policy_set(POLICY), NOW, diagnostics.append) == {}
    assert [item.slug for item in diagnostics] == ["renewal-dates-unread"]
