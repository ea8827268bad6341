"""Compares consecutive results of a tenant: events of findings, current findings, and their counts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from operator import itemgetter
from typing import Annotated, Any, Final

import msgspec
import pyarrow as pa

from auditor.arrays.instants import INSTANT
from auditor.domain.enums import Outcome, Severity, Status, applies_to_people
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import PolicyHeader, Result, TenantResult
from auditor.domain.syntax.limits import checked_amount
from auditor.files import json_document
from auditor.files.json_document import Whole

_TEXTS: Final = ("fingerprint", "policy", "check", "severity", "status", "waiver", "subject_type", "subject_id",
                "subject_name", "person", "product", "detail", "currency", "per_month")  # fmt: skip
_texts: Final = itemgetter(*_TEXTS)
EVENTS: Final = pa.schema(
    [("at", INSTANT), ("event", pa.string()), ("since", INSTANT), *((name, pa.string()) for name in _TEXTS)]
)
"""A row for each finding that was opened, closed, waived or changed, as after a change of its policy's severity; in the
first result of a month also for unchanged findings."""
AGES: Final = (7, 30, 90)
"""Limits between the age classes of open findings, in days."""


def compute_events(
    result: Result, tenant: TenantResult, before: Mapping[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the events since the previous result, whose findings are `before`, and the current findings."""
    as_of = result.run.as_of
    rows: list[dict[str, Any]] = []
    current: dict[str, dict[str, Any]] = {}
    for finding in tenant.findings:
        previous = before.get(finding.fingerprint)
        row = {**_row(finding), "at": as_of, "since": as_of if previous is None else previous["since"]}
        current[finding.fingerprint] = row
        if previous is None:
            rows.append({**row, "event": "opened"})
        elif previous["status"] != row["status"] and Status.WAIVED.value in (previous["status"], row["status"]):
            rows.append({**row, "event": "waived" if finding.status is Status.WAIVED else "unwaived"})
        elif _texts(previous) != _texts(row):
            rows.append({**row, "event": "held"})
    outcomes = {outcome.id: outcome.status for outcome in tenant.policies}
    for fingerprint, previous in before.items():
        if fingerprint in current:
            continue
        # A policy without an outcome was removed, or no longer applies to this tenant.
        outcome = outcomes.get(previous["policy"])
        if outcome is Outcome.NOT_EVALUATED:
            current[fingerprint] = previous  # not evaluated: neither fixed nor found again
        else:
            rows.append({**previous, "at": as_of, "event": "dropped" if outcome is None else "closed"})
    return rows, current


def _row(finding: Finding) -> dict[str, Any]:
    product, person = finding.product, finding.evidence.get("userPrincipalName")
    return {
        "fingerprint": finding.fingerprint,
        "policy": finding.policy,
        "check": finding.check,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "waiver": finding.waiver,
        "subject_type": finding.subject.type.value,
        "subject_id": finding.subject.id,
        "subject_name": finding.subject.name,
        "person": person if isinstance(person, str) else None,
        "product": None if product is None else product.sku_part_number or product.sku_id,
        "detail": finding.detail,
        "currency": None if finding.money is None else finding.money.currency,
        "per_month": None if finding.money is None else str(finding.money.per_month),
    }


def summary_of(
    result: Result,
    tenant: TenantResult,
    rows: Sequence[Mapping[str, Any]],
    current: Iterable[Mapping[str, Any]],
    money: Mapping[str, Decimal],
) -> dict[str, Any]:
    """Return the counts that trends show, so that trends do not have to read findings."""
    as_of = result.run.as_of
    events: dict[str, Counter[str]] = {}
    repair_days: dict[str, Counter[int]] = {}
    for row in rows:
        if row["status"] != Status.REPORT_ONLY.value:
            events.setdefault(row["policy"], Counter())[row["event"]] += 1
        if row["event"] == "closed" and row["status"] == Status.OPEN.value:
            repair_days.setdefault(row["policy"], Counter())[(as_of - row["since"]) // timedelta(days=1)] += 1
    findings_by_policy: dict[str, list[Mapping[str, Any]]] = {}
    for row in current:
        findings_by_policy.setdefault(row["policy"], []).append(row)
    statuses = {outcome.id: outcome.status.value for outcome in tenant.policies}
    names = {*statuses, *events, *findings_by_policy}
    headers = {policy.id: policy for policy in result.run.policies}
    policies = [
        _policy(name, headers.get(name), statuses.get(name), findings_by_policy.get(name, ()), as_of)
        | {event: events.get(name, Counter())[event] for event in ("opened", "closed")}
        | {"repair": {str(days): count for days, count in sorted(repair_days.get(name, Counter()).items())}}
        for name in sorted(names)
    ]
    redaction = result.run.redaction
    return {
        "tenantId": tenant.tenant_id,
        "displayName": tenant.display_name,
        **({} if redaction is None else {"redaction": redaction.key}),
        "complete": tenant.complete,
        "open": {s.value: sum(p["open"] for p in policies if p["severity"] == s.value) for s in Severity},
        "waived": sum(p["waived"] for p in policies),
        "notEvaluated": sum(outcome.unknown for outcome in tenant.policies),
        "money": {currency: str(value) for currency, value in sorted(money.items())},
        "seatsWhole": tenant.has_all_products,
        "seats": [
            {"skuId": s.sku_id, "skuPartNumber": s.sku_part_number, "name": s.name, "usable": s.usable,
             "consumed": s.consumed, "spare": s.spare,
             **({} if applies_to_people(s.applies_to) else {"appliesTo": s.applies_to})}
            for s in tenant.seats
        ],
        "policies": policies,
    }  # fmt: skip


class _Seat(msgspec.Struct, rename="camel"):
    sku_id: str
    sku_part_number: str | None
    usable: Whole | None
    consumed: Whole | None
    spare: Whole | None
    applies_to: str = "User"


class _Policy(msgspec.Struct):
    id: str
    severity: Severity | None
    status: Outcome | None
    open: Whole
    waived: Whole
    opened: Whole
    closed: Whole
    ages: Annotated[list[Whole], msgspec.Meta(min_length=len(AGES) + 1, max_length=len(AGES) + 1)]
    repair: dict[Annotated[str, msgspec.Meta(pattern="^-?[0-9]{1,14}$")], Whole]
    """Days → number of findings that were repaired after so many days."""
    title: str | None = None


class _Summary(msgspec.Struct, rename="camel"):
    open: dict[str, Whole]
    waived: Whole
    not_evaluated: Whole
    money: dict[str, str]
    seats: list[_Seat]
    policies: list[_Policy]
    tenant_id: str = ""
    display_name: str = ""
    seats_whole: bool = True
    complete: bool = True


def checked_summary(value: Any) -> Mapping[str, Any]:
    """Return the summary of a result. Raises ValueError if trends cannot be computed from it."""
    for amount in json_document.checked(value, _Summary).money.values():
        try:
            checked_amount(Decimal(amount))
        except InvalidOperation as error:
            raise ValueError(f"{amount[:57]!r} stands in place of an amount") from error
    summary: Mapping[str, Any] = value
    return summary


def independent_part(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a summary that does not depend on earlier results."""
    names = ("complete", "open", "waived", "notEvaluated", "money")
    policies = [
        {name: policy[name] for name in ("id", "severity", "status", "open", "waived")}
        for policy in summary["policies"]
        if policy["status"] is not None
    ]
    # Earlier versions did not write `appliesTo`.
    seats = [{name: value for name, value in seat.items() if name != "appliesTo"} for seat in summary["seats"]]
    return {"policies": policies, "seats": seats, **{name: summary[name] for name in names}}


def _policy(
    name: str, header: PolicyHeader | None, status: str | None, rows: Sequence[Mapping[str, Any]], as_of: datetime
) -> dict[str, Any]:
    opened = [row for row in rows if row["status"] == Status.OPEN.value]
    ages = [(as_of - row["since"]) / timedelta(days=1) for row in opened]
    edges = (0, *AGES, float("inf"))
    return {
        "id": name,
        "title": header.title if header is not None else None,
        "severity": header.severity.value if header is not None else (rows[0]["severity"] if rows else None),
        "status": status,
        "open": len(opened),
        "waived": sum(row["status"] == Status.WAIVED.value for row in rows),
        "ages": [sum(low <= age < high for age in ages) for low, high in pairwise(edges)],
    }
