"""Compares what is stored of a tenant at two instants: what is new, gone and changed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.trends import Between, FindingBetween, PolicyBetween, SeatsBetween
from auditor.history.result_log import Entry, Ledger
from auditor.history.trends import NightSummary

T = TypeVar("T")
_Held = Mapping[str, Mapping[str, Any]]


def between(
    tenant: str,
    nights: Sequence[NightSummary],
    ledger: Ledger | None,
    first: datetime,
    last: datetime,
    *,
    day: bool = False,
) -> Between:
    """Compare two instants, each by the latest night and result not after it; both lists ascend.

    With `day` the first one is the beginning of a day: it stands for the first night and result from then on, up to
    the last instant, where there is one.

    Raises SnapshotError where the store lacks what retention leaves.
    """
    entries = () if ledger is None else ledger.entries()
    night_times, result_times = [night.at for night in nights], [entry.as_of for entry in entries]
    other, after = _latest(nights, night_times, last), _latest(entries, result_times, last)
    one = _latest(nights, night_times, opening(night_times, first, last) if day else first)
    before = _latest(entries, result_times, opening(result_times, first, last) if day else first)
    unknown: list[Message] = []
    if one is None and before is None:
        unknown.append(Message("nothing is stored at or before {moment}", moment=f"{first:%Y-%m-%d %H:%M}"))
    elif one is other and before is after:
        unknown.append(Message("both instants select the same night"))
    findings: tuple[FindingBetween, ...] | None = ()
    if ledger is not None and before is not None and after is not None:
        held = [ledger.held_at(entry) for entry in (before, after)]
        findings = None if held[0] is None or held[1] is None else tuple(_findings(held[0], held[1]))
        if findings is None:
            unknown.append(
                Message("the findings of {day} are no longer kept: only numbers are compared", day=before.as_of.date())
            )
    elif one is not None and other is not None:
        unknown.append(Message("findings and money are not compared: a result is missing"))
    unknown += _partly((one, other), (before, after))
    return Between(
        tenant=tenant,
        nights=(None if one is None else one.at, None if other is None else other.at),
        results=(None if before is None else before.as_of, None if after is None else after.as_of),
        seats=tuple(_seats(_counted(one, before), _counted(other, after))),
        policies=() if before is None or after is None else tuple(_policies(before, after, findings)),
        money={} if before is None or after is None else _money(before, after),
        findings=findings or (),
        unknown=tuple(unknown),
    )


def opening(nights: Sequence[datetime], first: datetime, last: datetime) -> datetime:
    """Return the earliest of the nights from `first` to `last`; `first` where there is none."""
    return min((at for at in nights if first <= at <= last), default=first)


def _partly(nights: Sequence[NightSummary | None], results: Sequence[Entry | None]) -> Iterator[Message]:
    """Yield what one of the two does not know: what is less there may only not have been seen."""
    partly = sum(night is not None and not night.complete for night in nights)
    if partly:
        yield Message("{some} of {all} nights were not read completely", some=partly, all=len(nights))
    unjudged = sum(entry is not None and bool(entry.summary["notEvaluated"]) for entry in results)
    if unjudged:
        yield Message("in {some} of {all} results some policy could not be evaluated", some=unjudged, all=len(results))


def _latest(values: Sequence[T], at: Sequence[datetime], instant: datetime) -> T | None:
    return next(
        (value for value, moment in zip(reversed(values), reversed(at), strict=True) if moment <= instant), None
    )


def _counted(night: NightSummary | None, entry: Entry | None) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the seats of a night, else those of a result; None where there is neither."""
    if night is None and entry is None:
        return None
    seats = entry.summary["seats"] if night is None and entry is not None else night.summary["seats"] if night else ()
    return {seat["skuId"].casefold(): seat for seat in seats}


def _seats(
    before: Mapping[str, Mapping[str, Any]] | None, after: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[SeatsBetween]:
    if before is None or after is None:
        return
    rows = []
    for sku_id in {*before, *after}:
        pair = before.get(sku_id), after.get(sku_id)
        named = pair[1] or pair[0] or {}
        usable, consumed = (tuple(map(_usable, pair)), tuple(None if s is None else s["consumed"] for s in pair))
        if usable[0] != usable[1] or consumed[0] != consumed[1] or pair[0] is None or pair[1] is None:
            spare = tuple(None if u is None or c is None else u - c for u, c in zip(usable, consumed, strict=True))
            rows.append((named["skuPartNumber"] or named["skuId"], named["skuId"], usable, consumed, spare))
    for sku, sku_id, usable, consumed, spare in sorted(rows, key=lambda row: row[:2]):
        yield SeatsBetween(
            sku_id=sku_id,
            sku=sku,
            usable=(usable[0], usable[1]),
            consumed=(consumed[0], consumed[1]),
            spare=(spare[0], spare[1]),
        )


def _usable(seat: Mapping[str, Any] | None) -> int | None:
    if seat is None:
        return None
    if "usable" in seat:
        usable: int | None = seat["usable"]
        return usable
    return None if seat["enabled"] is None or seat["warning"] is None else int(seat["enabled"]) + int(seat["warning"])


def _findings(before: _Held, after: _Held) -> Iterator[FindingBetween]:
    """Yield what is new, gone and changed, the worst first."""
    changes = [("new", after[fingerprint]) for fingerprint in after if fingerprint not in before]
    changes += [("gone", before[fingerprint]) for fingerprint in before if fingerprint not in after]
    changes += [
        ("changed", row)
        for fingerprint, row in after.items()
        if fingerprint in before and _differs(before[fingerprint], row)
    ]
    kinds, ranks = ("new", "gone", "changed"), {severity.value: severity.rank for severity in Severity}
    key = lambda item: (kinds.index(item[0]), ranks[item[1]["severity"]], item[1]["policy"], item[1]["fingerprint"])  # noqa: E731
    for kind, row in sorted(changes, key=key):
        yield FindingBetween(
            kind=kind,
            fingerprint=row["fingerprint"],
            policy=row["policy"],
            severity=row["severity"],
            subject=row["subject_name"] or row["subject_id"],
            subject_id=row["subject_id"],
            product=row["product"],
            detail=row["detail"],
            status=row["status"],
        )


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(before[name] != after[name] for name in ("status", "severity", "waiver", "per_month"))


def _policies(before: Entry, after: Entry, findings: Sequence[FindingBetween] | None) -> Iterator[PolicyBetween]:
    old, new = ({policy["id"]: policy for policy in entry.summary["policies"]} for entry in (before, after))
    for name in sorted({*old, *new}):
        pair = old.get(name), new.get(name)
        stood, waived = (tuple(0 if p is None else int(p[what]) for p in pair) for what in ("open", "waived"))
        mine = None if findings is None else [finding.kind for finding in findings if finding.policy == name]
        if stood[0] != stood[1] or waived[0] != waived[1] or mine:
            severity = next((p["severity"] for p in reversed(pair) if p is not None and p["severity"]), None)
            yield PolicyBetween(
                policy=name,
                severity=None if severity is None else Severity(severity),
                open=(stood[0], stood[1]),
                waived=(waived[0], waived[1]),
                new=None if mine is None else mine.count("new"),
                gone=None if mine is None else mine.count("gone"),
                changed=None if mine is None else mine.count("changed"),
            )


def _money(before: Entry, after: Entry) -> Mapping[str, tuple[Decimal, Decimal]]:
    old, new = (entry.summary["money"] for entry in (before, after))
    return {each: (Decimal(old.get(each, "0")), Decimal(new.get(each, "0"))) for each in sorted({*old, *new})}
