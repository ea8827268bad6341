"""History of findings whose policies change between nights: severity, prices, waivers, scope, and removal."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call, expect
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant

pytestmark = pytest.mark.slow
PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}\n"
WAIVER = "waivers:\n- {id: W-1, policies: [blocked], owner: it, reason: x, expires: 2026-06-01}\n"
CRITICAL = BLOCKED_POLICY.replace("high", "critical")


def audit_nights(folder: Path, *policies: str) -> list[dict[str, Any]]:
    """Audit the same users with different policies night after night, store the results, and return them."""
    results = []
    for day, text in enumerate(policies, start=1):
        (folder / "p.yaml").write_text(text)
        write(folder / f"night{day}", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=ASKED))
        completed = call(
            "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-f", "json=-", "-q",
            "--store", "audits", cwd=folder,
        )  # fmt: skip
        assert completed.code in {0, 1}, completed.err
        results.append(json.loads(completed.out))
    return results


def curves(folder: Path, *options: str) -> dict[str, Any]:
    completed = expect(0, "history", "audits", "-f", "json", *options, cwd=folder)
    return dict(json.loads(completed.out))


def test_findings_are_dropped_if_the_policy_excludes_the_tenant(tmp_path: Path) -> None:
    other_tenant = BLOCKED_POLICY.replace("severity: high", "severity: high, tenants: [other]")
    results = audit_nights(tmp_path, BLOCKED_POLICY, other_tenant)
    assert [result["summary"]["open"]["high"] for result in results] == [2, 0]
    (tenant,) = curves(tmp_path)["tenants"]
    assert [night["open"]["high"] for night in tenant["findings"]] == [2, 0]
    assert (tenant["policies"][0]["closed"], tenant["policies"][0]["repaired"]) == (0, 0)
    episodes = curves(tmp_path, "--policy", "blocked")["episodes"]
    assert [(episode["until"], episode["ended"]) for episode in episodes] == [(instant(2), "dropped")] * 2


def test_removed_policy_keeps_its_last_severity(tmp_path: Path) -> None:
    audit_nights(tmp_path, CRITICAL, CRITICAL.replace("blocked", "another"))
    policies = {policy["id"]: policy for policy in curves(tmp_path)["tenants"][0]["policies"]}
    assert (policies["blocked"]["severity"], policies["blocked"]["results"][-1]["open"]) == ("critical", 0)


def test_change_of_severity_price_or_waiver_is_reported_as_changed(tmp_path: Path) -> None:
    audit_nights(
        tmp_path, BLOCKED_POLICY, CRITICAL, CRITICAL, CRITICAL + PRICES, CRITICAL + PRICES + WAIVER,
        CRITICAL + PRICES + WAIVER.replace("W-1", "W-2"),
    )  # fmt: skip
    counts = []
    for day in range(1, 6):
        (comparison,) = curves(tmp_path, "--from", instant(day), "--to", instant(day + 1))["between"]
        assert {finding["kind"] for finding in comparison["findings"]} <= {"changed"}
        counts.append(len(comparison["findings"]))
    # Only the first of the two products has a price.
    assert counts == [2, 0, 1, 2, 2]
    episodes = curves(tmp_path, "--policy", "blocked")["episodes"]
    assert [(episode["since"], episode["severity"], episode["waiver"]) for episode in episodes] == [
        (instant(1), "critical", "W-2")
    ] * 2


def test_store_put_rejects_a_result_of_another_tenant_id_with_the_same_name(tmp_path: Path) -> None:
    (result,) = audit_nights(tmp_path, BLOCKED_POLICY)
    result["run"]["asOf"] = instant(2)
    result["tenants"][0]["tenantId"] = "another"
    (tmp_path / "other.json").write_text(json.dumps(result))
    completed = call("store", "put", "audits", "other.json", cwd=tmp_path)
    assert (completed.code, "store-tenant" in completed.err) == (2, True)
    assert [policy["closed"] for policy in curves(tmp_path)["tenants"][0]["policies"]] == [0]


def test_equal_nights_have_no_changes_and_product_findings_name_the_product_once(tmp_path: Path) -> None:
    audit_nights(
        tmp_path, *[BLOCKED_POLICY + "- {id: spare, severity: low, seats: {of: SPE_E3, spare: {min: 99999}}}\n"] * 2
    )
    (tenant,) = curves(tmp_path)["tenants"]
    assert [(policy["id"], policy["opened"], policy["closed"]) for policy in tenant["policies"]] == [
        ("blocked", 0, 0),
        ("spare", 0, 0),
    ]
    text = call("history", "audits", "--policy", "spare", cwd=tmp_path).text
    assert ("Product" not in text, text.count("Microsoft 365 E3")) == (True, 1), text
    assert "Product" in call("history", "audits", "--policy", "blocked", cwd=tmp_path).text


def test_trend_of_a_single_result_is_a_dash(tmp_path: Path) -> None:
    files = ["1.json", "2.json"]
    for name, result in zip(files, audit_nights(tmp_path, BLOCKED_POLICY, BLOCKED_POLICY), strict=True):
        (tmp_path / name).write_text(json.dumps(result))
    one, two = (call("history", *files[:count], "-f", "html", cwd=tmp_path).text for count in (1, 2))
    assert ("<svg" in one, "<svg" in two) == (False, True)
    assert one.count("<span>–</span>") > two.count("<span>–</span>") == 0
