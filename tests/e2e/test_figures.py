"""The same figures in report, plan, approvals and verification: outputs of the built-in tenants, read as a reader does."""

import csv
import json
import re
from decimal import Decimal
from functools import cache
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, call

COUNTED_ELSEWHERE = (
    r"\(€([\d,.]+) of it counted in other actions\)|worth €([\d,.]+) a month(?: in total)? \(counted in other actions\)"
    r"|(?:saving|cost) counted in other actions: €([\d,.]+) a month"
)
TITLES = {"contoso": "Contoso Retail", "fabrikam": "Fabrikam Interiør"}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the audit, the plan and the verification of an unchanged tenant."""
    folder = tmp_path_factory.mktemp("figures")
    demo = ("--demo", "--as-of", AS_OF, "-o", "out", "-q")
    assert call("audit", *demo, "-f", "json,csv", "--fail-on", "never", cwd=folder).code == 0
    assert call("plan", *demo, "-f", "json,markdown,approvals,questions", cwd=folder).code in {0, 1}
    assert call("verify", "out/plan.json", *demo, "-f", "json,markdown", cwd=folder).code in {0, 1}
    return folder / "out"


@cache
def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(), parse_float=Decimal)


def tenants(folder: Path, name: str) -> dict[str, Any]:
    return {tenant["name"]: tenant for tenant in document(folder, name)["tenants"]}


def plan_text(folder: Path, title: str) -> str:
    """Return the part of plan.md about a tenant."""
    return (folder / "plan.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0].replace("\\", "")


def number(pattern: str, text: str) -> Decimal:
    """Return the number that the only group of the matching branch of a pattern finds; 0 if the text does not match."""
    match = re.search(pattern, text)
    return Decimal(match[match.lastindex or 0].replace(",", "")) if match else Decimal(0)


def money(amount: dict[str, Any] | None) -> Decimal:
    return Decimal(0) if amount is None else amount["perMonth"]


def approvals(folder: Path, tenant: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO((folder / tenant / "approvals.csv").read_text("utf-8-sig"), newline="")))


@pytest.mark.parametrize("name", TITLES)
def test_summary_and_first_part_of_a_plan_count_the_same_findings_seats_and_money(outputs: Path, name: str) -> None:
    plan, text = tenants(outputs, "plan.json")[name], plan_text(outputs, TITLES[name])
    fixed = len(plan["proof"]["fixed"])
    summary, first = text.partition("\n1. ")[0], re.search(r"^1\. \[Actions to run\].*$", text, re.MULTILINE)
    assert first is not None
    requests = sum(len(action["requests"]) for action in plan["actions"])
    assert number(r"([\d,]+) requests fix", summary) == number(r"([\d,]+) requests", first[0]) == requests
    assert number(r"requests fix ([\d,]+) of them", summary) == number(r"will fix ([\d,]+) finding", first[0]) == fixed
    assert sum(row["fixed"] for row in plan["reach"]) == fixed
    assert sum(row["open"] for row in plan["reach"]) == plan["before"]["open"] == len(plan["findings"])
    assert len(plan["proof"]["remaining"]) == plan["after"]["open"] == plan["before"]["open"] - fixed
    freed, assigned = number(r"will free ([\d,]+) seats", first[0]), number(r"will assign ([\d,]+) seats", first[0])
    assert number(r"([\d,]+) seats that the requests free and do not assign", summary) == freed - assigned > 0
    (amounts,) = plan["before"]["money"]
    worth = number(r"worth €([\d,.]+) a month", first[0])
    assert worth == amounts["reassignableNow"] == number(r"do not assign again[^|]*\| €([\d,.]+) \|", summary)


@pytest.mark.parametrize("name", TITLES)
def test_verification_expects_the_seats_and_the_money_of_the_plan(outputs: Path, name: str) -> None:
    plan, verification = tenants(outputs, "plan.json")[name], tenants(outputs, "verification.json")[name]
    freed = verification["freed"]
    (amounts,) = plan["before"]["money"]
    assert [row["planned"] for row in freed["money"]] == [amounts["reassignableNow"]]
    summary = plan_text(outputs, TITLES[name])
    assert freed["planned"] == number(r"([\d,]+) seats that the requests free and do not assign", summary)
    text = (outputs / "verification.md").read_text()
    assert f"Seats freed and not assigned again: 0; planned: {freed['planned']}." in text


@pytest.mark.parametrize("name", TITLES)
def test_money_of_an_action_and_what_other_actions_count_add_up_to_the_cost_of_its_seats(
    outputs: Path, name: str
) -> None:
    plan, rows = tenants(outputs, "plan.json")[name], approvals(outputs, name)
    sections = dict(pairwise(re.split(r"^#### (\d+)\. .*$", plan_text(outputs, TITLES[name]), flags=re.MULTILINE)))
    savings = {row["action"]: row["monthlySaving"] for row in rows if not row["question"]}
    for index, action in enumerate(plan["actions"], start=1):
        own, elsewhere = money(action["money"]), Decimal(0)
        if action["before"] is not None and action["after"] is not None:
            elsewhere = money(action["before"]) - money(action["after"]) - own
        text = sections[str(index)]
        price = own + elsewhere if "worth €" in text else Decimal(0)
        assert number(r"worth €([\d,.]+) a month", text) == price
        assert number(COUNTED_ELSEWHERE, text) == abs(elsewhere)
        assert Decimal(savings[str(index)] or 0) == own
    assert {row["monthlySaving"] for row in rows if row["question"]} == {""}  # a part of the saving of their actions


@pytest.mark.parametrize("name", TITLES)
def test_report_and_plan_agree_about_each_product(outputs: Path, name: str) -> None:
    report, plan = tenants(outputs, "result.json")[name], tenants(outputs, "plan.json")[name]
    planned = {action["seats"]["skuId"]: action["seats"] for action in plan["actions"] if action.get("seats")}
    numbered = {"buy", "remove-seats", "remove-seats-at-renewal", "remove-seats-by-seller"}
    in_report = {a["seats"]["skuId"]: a for a in report["actions"] if a["kind"] in numbered}
    for action in report["actions"]:
        seats = action.get("seats") or {"skuId": None}
        if seats["skuId"] in planned:
            other = planned[seats["skuId"]]
            assert (seats["usable"], seats["assigned"]) == (other["usable"], other["assigned"])
    for action in plan["actions"]:
        if action["kind"] in numbered:
            same = in_report[action["seats"]["skuId"]]["count"] == action["count"]
            assert same or any("number of the report" in text for text in action["prerequisites"]), action["title"]


@pytest.mark.parametrize("name", TITLES)
def test_worst_findings_of_the_report_are_in_an_action_of_the_plan(outputs: Path, name: str) -> None:
    report, plan = tenants(outputs, "result.json")[name], tenants(outputs, "plan.json")[name]
    in_plan = {fingerprint for action in plan["actions"] for fingerprint in action["findings"]}
    seats = [f for f in report["findings"] if f["check"] == "seats.over-assigned" and f["status"] == "open"]
    assert {finding["fingerprint"] for finding in seats} <= in_plan
    first = min(plan["actions"], key=lambda action: action["rank"])
    worst = {f["fingerprint"] for f in report["findings"] if f["severity"] == "critical" and f["status"] == "open"}
    assert worst <= set(first["findings"])


@pytest.mark.parametrize("name", TITLES)
def test_answers_with_different_numbers_of_seats_have_different_reasons(outputs: Path, name: str) -> None:
    for row in approvals(outputs, name):
        reasons = [answer.partition(" # ")[2] for answer in row["answers"].split(" | ") if "seats: " in answer]
        named = [reason for reason in reasons if reason]
        assert len(set(named)) == len(named), row
        assert named or not reasons, row


@pytest.mark.parametrize("name", TITLES)
def test_counted_amounts_of_findings_add_up_to_the_exposure_of_the_plan(outputs: Path, name: str) -> None:
    rows = csv.DictReader(StringIO((outputs / "findings.csv").read_text(), newline=""))
    amounts = [Decimal(row["countedPerMonth"] or 0) for row in rows if row["tenant"] == name]
    (before,) = tenants(outputs, "plan.json")[name]["before"]["money"]
    assert sum(amounts) == before["exposure"]
    shown = number(r"\| in open findings[^|]*\| €([\d,.]+) \|", plan_text(outputs, TITLES[name]))
    assert shown == before["exposure"]
