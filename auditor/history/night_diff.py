"""Compares the stored states of a tenant at two instants: findings, policies, seats and money."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.trends import Between, FindingBetween, PolicyBetween, SeatsBetween
from auditor.history.logged_result import LoggedResult
from auditor.history.result_log import ResultLog
from auditor.history.trends import (
    finding_fields,
    incomplete_nights,
    incomplete_results,
    is_for_people,
    usable_seats,
)
from auditor.store.commit import NightCounts

T = TypeVar("T")
_Findings = Mapping[str, Mapping[str, Any]]


def compare_instants(
    tenant: str,
    nights: Sequence[NightCounts],
    result_log: ResultLog | None,
    first: datetime,
    last: datetime,
    *,
    day: bool,
) -> Between:
    """Compare two instants, each by the latest night and result not after it; `nights` are in ascending order.

    With `day`, `first` is the beginning of a day, and the earliest night and result between `first` and `last` are used
    if there are any. Raises SnapshotError if events are missing that retention never deletes.
    """
    entries = () if result_log is None else result_log.entries()
    night_times, result_times = [night.instant for night in nights], [entry.as_of for entry in entries]
    last_night, last_result = _latest(nights, night_times, last), _latest(entries, result_times, last)
    first_night = _latest(nights, night_times, first_from(night_times, first, last) if day else first)
    first_result = _latest(entries, result_times, first_from(result_times, first, last) if day else first)
    unknown: list[Message] = []
    if first_night is None and first_result is None:
        unknown.append(Message("nothing is stored at or before {moment}", moment=f"{first:%Y-%m-%d %H:%M}"))
    elif first_night is last_night and first_result is last_result:
        unknown.append(Message("both instants select the same night"))
    results = None if first_result is None or last_result is None else (first_result, last_result)
    findings: tuple[FindingBetween, ...] | None = ()
    if result_log is not None and results is not None:
        held = [result_log.findings_at(entry) for entry in results]
        findings = None if held[0] is None or held[1] is None else tuple(_findings(held[0], held[1]))
        if findings is None:
            date = results[0].as_of.date()
            unknown.append(Message("the findings of {day} are no longer kept: only numbers are compared", day=date))
    elif first_night is not None and last_night is not None:
        unknown.append(Message("findings and money are not compared: a result is missing"))
    unknown += incomplete_nights((first_night, last_night))
    unknown += incomplete_results((first_result, last_result))
    return Between(
        tenant=tenant,
        nights=(
            None if first_night is None else first_night.instant,
            None if last_night is None else last_night.instant,
        ),
        results=(
            None if first_result is None else first_result.as_of,
            None if last_result is None else last_result.as_of,
        ),
        seats=tuple(_seats(_seats_by_sku(first_night, first_result), _seats_by_sku(last_night, last_result))),
        policies=() if results is None else tuple(_policies(*results, findings)),
        money={} if results is None else _money(*results),
        findings=findings or (),
        unknown=tuple(unknown),
        removed=frozenset() if results is None else _removed(*results),
    )


def first_from(nights: Sequence[datetime], first: datetime, last: datetime) -> datetime:
    """Return the earliest of the nights from `first` to `last`; `first` if there is none."""
    return min((instant for instant in nights if first <= instant <= last), default=first)


def _latest(values: Sequence[T], instants: Sequence[datetime], last: datetime) -> T | None:
    return next(
        (value for value, instant in zip(reversed(values), reversed(instants), strict=True) if instant <= last), None
    )


def _seats_by_sku(night: NightCounts | None, entry: LoggedResult | None) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the seats of a night, else those of a result, by SKU; None if there is neither."""
    source = entry if night is None else night
    return None if source is None else {seat["skuId"].casefold(): seat for seat in source.summary["seats"]}


def _seats(
    before: Mapping[str, Mapping[str, Any]] | None, after: Mapping[str, Mapping[str, Any]] | None
) -> list[SeatsBetween]:
    if before is None or after is None:
        return []
    rows: list[SeatsBetween] = []
    for first, last in ((before.get(sku_id), after.get(sku_id)) for sku_id in {*before, *after}):
        seat = last or first or {}
        usable = (None if first is None else usable_seats(first), None if last is None else usable_seats(last))
        consumed = (None if first is None else first["consumed"], None if last is None else last["consumed"])
        if usable[0] != usable[1] or consumed[0] != consumed[1] or first is None or last is None:
            low, high = (None if u is None or c is None else u - c for u, c in zip(usable, consumed, strict=True))
            sku = seat["skuPartNumber"] or seat["skuId"]
            rows.append(
                SeatsBetween(
                    sku_id=seat["skuId"],
                    sku=sku,
                    usable=usable,
                    consumed=consumed,
                    spare=(low, high),
                    for_people=is_for_people(seat),
                )
            )
    return sorted(rows, key=lambda row: (row.sku, row.sku_id))


def _findings(before: _Findings, after: _Findings) -> Iterator[FindingBetween]:
    """Yield new, gone and changed findings; within each kind the most severe first."""
    changes = [("new", after[fingerprint]) for fingerprint in after if fingerprint not in before]
    changes += [("gone", before[fingerprint]) for fingerprint in before if fingerprint not in after]
    changes += [
        ("changed", row)
        for fingerprint, row in after.items()
        if fingerprint in before
        and any(before[fingerprint][name] != row[name] for name in ("status", "severity", "waiver", "per_month"))
    ]
    kinds, ranks = ("new", "gone", "changed"), {severity.value: severity.rank for severity in Severity}
    key = lambda item: (kinds.index(item[0]), ranks[item[1]["severity"]], item[1]["policy"], item[1]["fingerprint"])  # noqa: E731
    for kind, row in sorted(changes, key=key):
        yield FindingBetween(kind=kind, **finding_fields(row))


def _policies(
    before: LoggedResult, after: LoggedResult, findings: Sequence[FindingBetween] | None
) -> Iterator[PolicyBetween]:
    old, new = ({policy["id"]: policy for policy in entry.summary["policies"]} for entry in (before, after))
    kinds_by_policy: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings or ():
        kinds_by_policy[finding.policy][finding.kind] += 1
    for name in sorted({*old, *new}):
        pair = old.get(name), new.get(name)
        open_counts, waived = (tuple(0 if p is None else int(p[field]) for p in pair) for field in ("open", "waived"))
        kinds = None if findings is None else kinds_by_policy[name]
        if open_counts[0] != open_counts[1] or waived[0] != waived[1] or kinds:
            severity = next((p["severity"] for p in reversed(pair) if p is not None and p["severity"]), None)
            yield PolicyBetween(
                policy=name,
                severity=None if severity is None else Severity(severity),
                open=(open_counts[0], open_counts[1]),
                waived=(waived[0], waived[1]),
                new=None if kinds is None else kinds["new"],
                gone=None if kinds is None else kinds["gone"],
                changed=None if kinds is None else kinds["changed"],
            )


def _removed(before: LoggedResult, after: LoggedResult) -> frozenset[str]:
    """Return the policies with an outcome before, but not after."""
    old, new = (
        {policy["id"] for policy in entry.summary["policies"] if policy["status"] is not None}
        for entry in (before, after)
    )
    return frozenset(old - new)


def _money(before: LoggedResult, after: LoggedResult) -> Mapping[str, tuple[Decimal, Decimal]]:
    old, new = (entry.summary["money"] for entry in (before, after))
    return {
        currency: (Decimal(old.get(currency, "0")), Decimal(new.get(currency, "0")))
        for currency in sorted({*old, *new})
    }
