"""Policies that change from night to night: what a store says of their findings is what the results themselves said."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant

DEAR = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}\n"
WAIVER = "waivers:\n- {id: W-1, policies: [blocked], owner: it, reason: x, expires: 2026-06-01}\n"
CRITICAL = BLOCKED_POLICY.replace("high", "critical")


def kept(folder: Path, *policies: str) -> list[dict[str, Any]]:
    """Audit the same people night after night, each by its own policies, into a store; returns the results."""
    results = []
    for day, text in enumerate(policies, start=1):
        (folder / "p.yaml").write_text(text)
        write(folder / f"night{day}", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, day, asked=ASKED))
        done = call(
            "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-f", "json=-", "-q",
            "--store", "audits", cwd=folder,
        )  # fmt: skip
        assert done.code in {0, 1}, done.err
        results.append(json.loads(done.out))
    return results


def curves(folder: Path, *options: str) -> dict[str, Any]:
    done = call("history", "audits", "-f", "json", *options, cwd=folder)
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


@pytest.mark.slow
def test_findings_of_a_policy_that_leaves_the_tenant_out_stand_no_longer(tmp_path: Path) -> None:
    elsewhere = BLOCKED_POLICY.replace("severity: high", "severity: high, tenants: [other]")
    results = kept(tmp_path, BLOCKED_POLICY, elsewhere)
    assert [result["summary"]["open"]["high"] for result in results] == [2, 0]
    (tenant,) = curves(tmp_path)["tenants"]
    assert [each["open"]["high"] for each in tenant["findings"]] == [2, 0]
    assert (tenant["policies"][0]["closed"], tenant["policies"][0]["repaired"]) == (0, 0)
    found = curves(tmp_path, "--policy", "blocked")["episodes"]
    assert [(each["until"], each["ended"]) for each in found] == [(instant(2), "dropped")] * 2


@pytest.mark.slow
def test_a_policy_that_was_taken_away_keeps_the_severity_that_it_had(tmp_path: Path) -> None:
    kept(tmp_path, CRITICAL, CRITICAL.replace("blocked", "another"))
    policies = {policy["id"]: policy for policy in curves(tmp_path)["tenants"][0]["policies"]}
    assert (policies["blocked"]["severity"], policies["blocked"]["results"][-1]["open"]) == ("critical", 0)


@pytest.mark.slow
def test_another_severity_worth_or_waiver_is_a_change_within_the_month_too(tmp_path: Path) -> None:
    kept(
        tmp_path, BLOCKED_POLICY, CRITICAL, CRITICAL, CRITICAL + DEAR, CRITICAL + DEAR + WAIVER,
        CRITICAL + DEAR + WAIVER.replace("W-1", "W-2"),
    )  # fmt: skip
    changed = []
    for day in range(1, 6):
        (between,) = curves(tmp_path, "--from", instant(day), "--to", instant(day + 1))["between"]
        assert {each["kind"] for each in between["findings"]} <= {"changed"}
        changed.append(len(between["findings"]))
    # Only the first of the two products has a price.
    assert changed == [2, 0, 1, 2, 2]
    found = curves(tmp_path, "--policy", "blocked")["episodes"]
    assert [(each["since"], each["severity"], each["waiver"]) for each in found] == [
        (instant(1), "critical", "W-2")
    ] * 2


@pytest.mark.slow
def test_results_of_another_directory_under_the_name_are_no_later_ones(tmp_path: Path) -> None:
    (result,) = kept(tmp_path, BLOCKED_POLICY)
    result["run"]["asOf"] = instant(2)
    result["tenants"][0]["tenantId"] = "another"
    (tmp_path / "other.json").write_text(json.dumps(result))
    done = call("store", "put", "audits", "other.json", cwd=tmp_path)
    assert (done.code, "store-tenant" in done.err) == (2, True)
    assert [each["closed"] for each in curves(tmp_path)["tenants"][0]["policies"]] == [0]


def test_nights_that_are_alike_have_nothing_new_and_a_finding_about_a_product_names_it_once(tmp_path: Path) -> None:
    kept(tmp_path, *[BLOCKED_POLICY + "- {id: spare, severity: low, seats: {of: SPE_E3, spare: {min: 99999}}}\n"] * 2)
    (tenant,) = curves(tmp_path)["tenants"]
    assert [(each["id"], each["opened"], each["closed"]) for each in tenant["policies"]] == [
        ("blocked", 0, 0),
        ("spare", 0, 0),
    ]
    about = call("history", "audits", "--policy", "spare", cwd=tmp_path).text
    assert ("Product" not in about, about.count("Microsoft 365 E3")) == (True, 1), about
    assert "Product" in call("history", "audits", "--policy", "blocked", cwd=tmp_path).text
