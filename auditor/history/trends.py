"""Computes trends from the summaries of nights and results; it reads no users."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Outcome, Severity, applies_to_people
from auditor.domain.message import Count, Message
from auditor.domain.trends import Cohorts, Episode, PolicyTrend, SeatTrend, Trends
from auditor.history.forecast import forecast
from auditor.history.logged_result import LoggedResult
from auditor.store.commit import NightCounts

T = TypeVar("T")


def trends(
    tenant: str,
    nights: Sequence[NightCounts],
    results: Sequence[LoggedResult],
    *,
    now: datetime,
    between: tuple[datetime | None, datetime | None] = (None, None),
) -> Trends | None:
    """Return the trends of a tenant; None if there is no night or result in `between`, whose ends are included."""
    nights = sorted((night for night in nights if _is_within(night.instant, between)), key=lambda night: night.instant)
    results = sorted((entry for entry in results if _is_within(entry.as_of, between)), key=lambda entry: entry.as_of)
    if not nights and not results:
        return None
    instants = [night.instant for night in nights] + [entry.as_of for entry in results]
    return Trends(
        tenant=tenant,
        nights=len(nights),
        results=len(results),
        since=min(instants),
        until=max(instants),
        seats=tuple(_seats(nights, results, now, ended=between[1] is not None)),
        policies=tuple(_policies(results)),
        people=tuple(
            (n.instant, n.summary.get("users"), n.summary.get("blocked"), n.summary.get("licensed")) for n in nights
        ),
        open=tuple(
            (
                entry.as_of,
                {severity: int(entry.summary["open"].get(severity.value, 0)) for severity in Severity},
                entry.summary["waived"],
                entry.summary["notEvaluated"],
            )
            for entry in results
        ),
        money=_money(results),
        unknown=tuple(_missing_data(nights, results)),
        not_evaluated=_not_evaluated(results),
    )


def last_display_name(nights: Iterable[NightCounts], results: Iterable[LoggedResult]) -> str:
    """Return the latest display name of the tenant in nights and results; empty if none contains it."""
    known = [(night.instant, night.summary.get("displayName")) for night in nights]
    known += [(entry.as_of, entry.summary.get("displayName")) for entry in results]
    return max(((instant, name) for instant, name in known if name), default=(None, ""))[1]


def episodes(events: pa.Table, *, by: str, wanted: str) -> tuple[Episode, ...]:
    """Return the periods in which findings existed, selected by `finding`, `policy` or `person`, oldest first.

    `wanted` is the beginning of a fingerprint, the id of a policy, or the sign-in name, name or id of a person.
    """
    fingerprints = events.filter(_selected(events, by, wanted)).column("fingerprint").unique()
    rows = events.filter(pc.is_in(events.column("fingerprint"), fingerprints)).to_pylist()
    key = itemgetter("fingerprint", "policy", "since")
    found = [_episode(list(group)) for _, group in groupby(sorted(rows, key=lambda row: (*key(row), row["at"])), key)]
    return tuple(sorted(found, key=_order))


def policy_titles(results: Iterable[LoggedResult]) -> dict[str, str]:
    """Return the latest title of each policy in the results, by id; policies without a title are left out."""
    policies = (
        policy for entry in sorted(results, key=lambda entry: entry.as_of) for policy in entry.summary["policies"]
    )
    return {policy["id"]: policy["title"] for policy in policies if policy.get("title")}


def _selected(events: pa.Table, by: str, wanted: str) -> pa.ChunkedArray:
    """Return which events are about what is wanted."""
    match by:
        case "finding":
            return pc.starts_with(events.column("fingerprint"), wanted.lower())
        case "policy":
            return pc.equal(events.column("policy"), wanted)
        case _:
            lower = pc.utf8_lower(pa.scalar(wanted))
            names = (pc.utf8_lower(events.column(name)) for name in ("subject_id", "subject_name", "person"))
            first, second, third = (pc.equal(name, lower).fill_null(pa.scalar(value=False)) for name in names)
            return pc.and_(pc.equal(events.column("subject_type"), "user"), pc.or_(pc.or_(first, second), third))


def _order(episode: Episode) -> tuple[object, ...]:
    """Return the sort key of an episode; missing products and details are last."""
    product, detail = ((value is None, value or "") for value in (episode.product, episode.detail))
    return episode.since, episode.policy, episode.subject, product, detail, episode.fingerprint


def _episode(rows: Sequence[Mapping[str, Any]]) -> Episode:
    """Return the episode with these events, in ascending order."""
    last = rows[-1]
    end = next((row for row in reversed(rows) if row["event"] in {"closed", "dropped"}), None)
    return Episode(
        **finding_fields(last),
        since=last["since"],
        until=None if end is None else end["at"],
        ended=None if end is None else end["event"],
        waiver=last["waiver"],
    )


def finding_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that `Episode` and `FindingBetween` share, from a row of a finding or of an event."""
    names = ("fingerprint", "policy", "severity", "subject_id", "product", "detail", "status")
    return {name: row[name] for name in names} | {"subject": row["subject_name"] or row["subject_id"]}


def _is_within(instant: datetime, between: tuple[datetime | None, datetime | None]) -> bool:
    first, last = between
    return (first is None or instant >= first) and (last is None or instant <= last)


def _seats(
    nights: Sequence[NightCounts], results: Sequence[LoggedResult], now: datetime, *, ended: bool
) -> Iterator[SeatTrend]:
    """Yield the seats of each SKU in every night, and in every result of a day without a night."""
    days = {night.instant.date() for night in nights}
    summaries = {entry.as_of: entry.summary for entry in results if entry.as_of.date() not in days}
    summaries = dict(sorted((summaries | {night.instant: night.summary for night in nights}).items()))
    names: dict[str, str] = {}
    for_people: dict[str, bool] = {}
    by_sku: dict[str, dict[datetime, tuple[int | None, int | None]]] = {}
    for instant, summary in summaries.items():
        for seat in summary["seats"]:
            names[seat["skuId"]] = seat["skuPartNumber"] or seat["skuId"]
            for_people[seat["skuId"]] = for_people.get(seat["skuId"], True) and is_for_people(seat)
            by_sku.setdefault(seat["skuId"], {})[instant] = usable_seats(seat), seat["consumed"]
    cohorts = _cohorts(nights)
    for sku_id, sku in sorted(names.items(), key=lambda item: (item[1], item[0])):
        # If a later night does not have a product, its values are None there; the last known ones are not repeated.
        first = next(iter(by_sku[sku_id]))  # the summaries are in order
        instants = [instant for instant in summaries if instant >= first]
        usable, consumed = zip(*(by_sku[sku_id].get(instant, (None, None)) for instant in instants), strict=True)
        spare = (None if u is None or c is None else u - c for u, c in zip(usable, consumed, strict=True))
        utc = tuple(instant.astimezone(UTC) for instant in instants)
        yield SeatTrend(
            sku_id=sku_id, sku=sku, instants=utc, usable=usable, consumed=consumed, spare=tuple(spare),
            for_people=for_people[sku_id], cohorts=cohorts.get(sku_id),
            forecast=forecast(utc, consumed, usable, utc[-1] if ended else now),
        )  # fmt: skip


def is_for_people(seat: Mapping[str, Any]) -> bool:
    """Return whether the product in the summary of a night or a result is assigned to people."""
    return applies_to_people(seat.get("appliesTo") or "User")


def usable_seats(seat: Mapping[str, Any]) -> int | None:
    """Return the usable seats in the summary of a night or a result."""
    if "usable" in seat:
        usable: int | None = seat["usable"]
        return usable
    return None if seat["enabled"] is None or seat["warning"] is None else int(seat["enabled"]) + int(seat["warning"])


def _cohorts(nights: Sequence[NightCounts]) -> dict[str, Cohorts]:
    """Return the sums of the cohorts of holders from one night to the next, by skuId.

    Of overlapping comparisons, only the longest counts. They overlap if a night was stored after the night that
    follows it, which was compared without it.
    """
    sums: dict[str, Cohorts] = {}
    compared_from: datetime | None = None
    for night in reversed(nights):
        cohorts = night.summary.get("cohorts")
        if cohorts and (compared_from is None or night.instant <= compared_from):
            compared_from = datetime.fromisoformat(cohorts["since"])
            for sku_id, counts in cohorts["skus"].items():
                later = sums.get(sku_id) or Cohorts(nights=0, kept=counts["kept"], new=0, reclaimed=0, lapsed=0)
                added = {name: getattr(later, name) + counts[name] for name in ("new", "reclaimed", "lapsed")}
                sums[sku_id] = Cohorts(nights=later.nights + 1, kept=later.kept, **added)
    return sums


def _policies(results: Sequence[LoggedResult]) -> Iterator[PolicyTrend]:
    """Yield the findings of each policy in every result; those of the first result were not opened by a change."""
    rows = [(entry.as_of, policy) for entry in results for policy in entry.summary["policies"]]
    by_id: dict[str, list[tuple[datetime, Mapping[str, Any]]]] = {}
    for as_of, policy in rows:
        by_id.setdefault(policy["id"], []).append((as_of, policy))
    for name, entries in sorted(by_id.items()):
        repaired: Counter[int] = Counter()
        for _, policy in entries:
            repaired.update({int(days): count for days, count in policy["repair"].items()})
        later = [policy for as_of, policy in entries if as_of > rows[0][0]]
        severity = _last(policy["severity"] for _, policy in entries)
        yield PolicyTrend(
            policy=name,
            title=_last(policy.get("title") for _, policy in entries),
            severity=None if severity is None else Severity(severity),
            instants=tuple(as_of.astimezone(UTC) for as_of, _ in entries),
            open=tuple(policy["open"] for _, policy in entries),
            waived=tuple(policy["waived"] for _, policy in entries),
            opened=sum(policy["opened"] for policy in later),
            closed=sum(policy["closed"] for policy in later),
            ages=tuple(entries[-1][1]["ages"]),
            repaired=repaired.total(),
            repair_days=_median(repaired),
        )


def _median(counts: Mapping[int, int]) -> float | None:
    """Return the median of numbers, each of which occurs as often as its count; None without numbers."""
    numbers = sorted(counts)
    ends = list(accumulate(counts[number] for number in numbers))
    if not ends or not ends[-1]:
        return None
    lower, upper = (numbers[bisect_right(ends, index)] for index in ((ends[-1] - 1) // 2, ends[-1] // 2))
    return (lower + upper) / 2


def _last(values: Iterable[T | None]) -> T | None:
    return next((value for value in reversed(list(values)) if value is not None), None)


def _money(results: Sequence[LoggedResult]) -> Mapping[str, tuple[tuple[datetime, Decimal], ...]]:
    currencies = sorted({currency for entry in results for currency in entry.summary["money"]})
    return {
        currency: tuple((entry.as_of, Decimal(entry.summary["money"].get(currency, "0"))) for entry in results)
        for currency in currencies
    }


def _not_evaluated(results: Sequence[LoggedResult]) -> frozenset[str]:
    """Return the policies that could not be evaluated in the latest of results in ascending order."""
    policies = results[-1].summary["policies"] if results else ()
    return frozenset(policy["id"] for policy in policies if policy["status"] == Outcome.NOT_EVALUATED.value)


def incomplete_nights(nights: Sequence[NightCounts | None]) -> Iterator[Message]:
    """Yield a message if nights are incomplete: what they lack may only not have been read."""
    incomplete = sum(night is not None and not night.complete for night in nights)
    if incomplete and len(nights) == 1:
        yield Message("the only night was not read completely")
    elif incomplete == 1:
        yield Message("one of {all} nights was not read completely", all=Count(len(nights)))
    elif incomplete:
        yield Message("{some} of {all} nights were not read completely", some=Count(incomplete), all=Count(len(nights)))


def incomplete_results(results: Sequence[LoggedResult | None]) -> Iterator[Message]:
    """Yield a message if results are incomplete: what they lack may only not have been evaluated."""
    not_evaluated = sum(entry is not None and bool(entry.summary["notEvaluated"]) for entry in results)
    if not_evaluated and len(results) == 1:
        yield Message("in the only result some policy could not be evaluated")
    elif not_evaluated:
        yield Message(
            "in {some} of {all} results some policy could not be evaluated",
            some=Count(not_evaluated),
            all=Count(len(results)),
        )


def _missing_data(nights: Sequence[NightCounts], results: Sequence[LoggedResult]) -> Iterator[Message]:
    yield from incomplete_nights(nights)
    without_people = sum(night.summary.get("users") is None for night in nights)
    if without_people and len(nights) == 1:
        yield Message("people are not counted in the only night")
    elif without_people:
        yield Message(
            "people are not counted in {some} of {all} nights", some=Count(without_people), all=Count(len(nights))
        )
    yield from incomplete_results(results)
    if not results:
        yield Message("no result is stored: findings and money over time are not known")
