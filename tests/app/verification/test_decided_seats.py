"""Verification of decided purchases, reductions and renewals of seats."""

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from auditor.app.plan.planner import plan_run
from auditor.app.verification.plan_file import decoded_plan
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.decision import Question
from auditor.domain.result.verification import Cause, SeatDecisionVerdict, Verdict
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.policy.yaml.writer import block
from auditor.remedy.verification.decided_seats import seat_decision_verdicts
from auditor.render.plan.json import plan_json
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, E5, F3, PRICES, grant, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set

RULES = f"""policies:
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{of: paid, allow: []}}}}
  - {{id: office, severity: high, users: {{department: Office}}, assignments: {{require: [SPE_F1]}}}}
  - {{id: idle, severity: low, seats: {{of: [SPE_E3], spare: {{max: 1}}}}}}
  - {{id: ends, severity: low, subscriptions: {{of: [SPE_E5], expiring: {{within: 60d}}}}}}
{PRICES}
contracts:
  - {{id: C-E5, products: [SPE_E5], term: P1Y, ends: 2026-12-09, renews: automatically}}
"""
BEFORE = {E3: 4, F3: 1, E5: 1}
DECIDED = {E3: 2, F3: 2, E5: 1}


def tenant(seats: dict[str, int] = BEFORE, *, ends: str = "2026-12-10", **options: Any) -> Snapshot:
    """Return a tenant with leavers who hold the product to reduce, and users who need the product to buy."""
    leavers = [user(f"leaver{number}", grant(E3), accountEnabled=False) for number in range(3)]
    starters = [user(f"starter{number}", department="Office") for number in range(2)]
    rows = [subscription("SPE_E3", seats.get(E3, 0), "2027-02-01"), subscription("SPE_E5", seats.get(E5, 0), ends)]
    people = [*leavers, *starters, user("stays", grant(E3)), user("head", grant(E5))]
    # A renewed subscription keeps its id.
    rows[1]["id"] = "e5"
    rows[0]["id"] = "e3"
    return snapshot(people, seats, subscriptions=rows, **options)


def answer(question: Question) -> dict[str, Any]:
    seats = {"e3": 2, "e5": 1}.get(question.subject)
    value = {"purchase": {"seats": 1}} if seats is None else {"renewal": {"renew": True, "seats": seats}}
    name = {"e3": "D-less", "e5": "D-again"}.get(question.subject, "D-more")
    return {"id": name, "question": question.id, "answer": value, "by": "me@c.example", "on": "2026-11-20"}


@pytest.fixture(scope="module")
def plan() -> bytes:
    (undecided,) = plan_run([tenant()], policy_set(RULES), builtin(), NOW).tenants
    kinds = {"purchase", "renewal"}
    decisions = block([answer(question) for question in undecided.questions if question.kind in kinds])
    loaded = load(
        [("p.yaml", f"version: 1\n{RULES}".encode())],
        decisions=[("d.yaml", f"version: 1\ndecisions:\n{decisions}".encode())],
    )
    decided = plan_run([tenant()], loaded.policies, builtin(), NOW, decisions=loaded.decisions)
    assert {seats.sku_id: seats.enabled for seats in decided.tenants[0].decided_seats} == DECIDED
    return plan_json(decided)


def seat_verdicts(plan: bytes, after: Snapshot | None) -> dict[str, SeatDecisionVerdict]:
    (tenant_plan,) = decoded_plan(plan, where="plan.json").tenants
    facts = None if after is None else TenantFacts(after, builtin(), policy_set(RULES), NOW)
    verdicts = seat_decision_verdicts(tenant_plan, facts)
    assert set(verdicts) <= set(range(1, len(tenant_plan.actions) + 1))
    return {verdict.sku_id: verdict for verdict in verdicts.values()}


@pytest.mark.parametrize(
    ("seats", "ends", "verdicts"),
    [
        (BEFORE, "2026-12-10", {E3: "not", F3: "not", E5: "not"}),
        (DECIDED, "2027-12-10", {E3: "done", F3: "done", E5: "done"}),
        ({**DECIDED, E3: 3}, "2026-12-10", {E3: "partly", F3: "done", E5: "not"}),
        ({**DECIDED, E3: 5, F3: 9}, "2027-12-10", {E3: "changed", F3: "changed", E5: "done"}),
        ({E5: 1}, "2027-12-10", {E3: "changed", F3: "changed", E5: "done"}),
    ],
)
def test_verdicts_follow_from_current_seats_and_renewal_dates(
    plan: bytes, seats: dict[str, int], ends: str, verdicts: dict[str, str]
) -> None:
    actual = seat_verdicts(plan, tenant(seats, ends=ends))
    assert {sku_id: str(verdict.verdict) for sku_id, verdict in actual.items()} == verdicts
    assert {sku_id: verdict.actual for sku_id, verdict in actual.items()} == {
        sku_id: seats.get(sku_id, 0) for sku_id in actual
    }


def test_reductions_and_renewals_have_a_due_date_and_purchases_do_not(plan: bytes) -> None:
    due = {sku_id: verdict.due for sku_id, verdict in seat_verdicts(plan, tenant()).items()}
    assert due == {
        E3: datetime(2027, 2, 1, 23, 59, tzinfo=UTC), F3: None, E5: datetime(2026, 12, 10, 23, 59, tzinfo=UTC),
    }  # fmt: skip


def test_verdicts_of_a_plan_without_prices_have_no_amounts(plan: bytes) -> None:
    document = json.loads(plan)
    del document["tenants"][0]["prices"]
    verdicts = seat_verdicts(json.dumps(document).encode(), tenant(DECIDED)).values()
    assert {(verdict.currency, verdict.per_month) for verdict in verdicts} == {(None, None)}


def test_verdict_is_unknown_if_the_source_was_not_read(plan: bytes) -> None:
    statuses = dict.fromkeys((Source.SUBSCRIBED_SKUS, Source.SUBSCRIPTIONS), SourceStatus.DENIED)
    unread = seat_verdicts(plan, tenant({}, statuses=statuses))
    assert {(verdict.verdict, verdict.cause, verdict.actual) for verdict in unread.values()} == {
        (Verdict.UNKNOWN, Cause.SOURCE, None)
    }
    assert {(verdict.verdict, verdict.cause) for verdict in seat_verdicts(plan, None).values()} == {
        (Verdict.UNKNOWN, Cause.TENANT)
    }


@pytest.mark.slow
def test_verify_report_and_mail_list_decided_seats(plan: bytes, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(plan)
    (tmp_path / "p.yaml").write_text(f"version: 1\n{RULES}")
    write(tmp_path / "after", tenant({**DECIDED, E3: 3}))
    state = ("p.yaml", "--snapshot", "after", "--as-of", AS_OF)
    completed = call("verify", "plan.json", *state, "-f", "json", "-f", "html", "-f", "terminal", cwd=tmp_path)
    line = (
        "Seat decisions: Microsoft 365 E5 not renewed yet (at the renewal on 10 Dec 2026); 1 of 1 seat of Microsoft 365 "
        "F3 purchased; 1 of 2 seats of Microsoft 365 E3 removed, €35.70 a month saved (at the renewal on 1 Feb 2027)."
    )
    assert line in " ".join(completed.text.split()), completed.text
    (tenant_result,) = json.loads((tmp_path / "out/verification.json").read_text())["tenants"]
    decided = {action["kind"]: action["decided"] for action in tenant_result["actions"] if "decided" in action}
    assert decided["buy"] == {
        "skuId": F3, "enabledBefore": 1, "enabled": 2, "actual": 2, "verdict": "done", "cause": "", "detail": "",
        "due": None, "decisions": ["D-more"], "currency": "EUR", "perMonth": 7.5,
    }  # fmt: skip
    assert "seats before: 4, decided: 2, now: 3" in (tmp_path / "out/verification.html").read_text()
    completed = call(
        "audit", *state, "--plan", "plan.json", "-f", "html", "-f", "markdown", "-f", "json", "-q", cwd=tmp_path
    )
    for name in ("report.html", "summary.md"):
        assert "1 of 1 seat of Microsoft 365 F3 purchased" in (tmp_path / "out" / name).read_text()
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- {name: contoso, tenantId: 11111111-2222-3333-4444-555555555555, credential: {type: azure-cli},\n"
        "  recipients: [{address: all@c.example}]}\n"
        "mail: {from: audit@c.example, smtp: {host: mail.c.example}, send: always}\n"
    )
    assert call("send", "out/result.json", "--dry-run", cwd=tmp_path).code == 0
    (mail,) = (tmp_path / "out/mail").glob("*.eml")
    body = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert body is not None
    assert line in " ".join(body.get_content().split()), "also for decisions without a finding"
