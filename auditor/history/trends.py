"""Computes trends from the summaries of nights and results with DuckDB; it reads no users."""

import atexit
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from msgspec import Struct

from auditor.domain.enums import Outcome, Severity
from auditor.domain.message import Message
from auditor.domain.trends import Cohorts, Episode, Forecast, PolicyTrend, SeatTrend, Trends
from auditor.history.forecast import forecast
from auditor.history.result_log import LoggedResult

_AT: Final = pa.timestamp("us")
"""UTC, but without a time zone: for time zones DuckDB would download an extension."""
_SEATS: Final = pa.schema(
    [("at", _AT), ("sku_id", pa.string()), ("sku", pa.string()), ("usable", pa.int64()), ("consumed", pa.int64())]
)
_POLICIES: Final = pa.schema(
    [
        ("at", _AT), ("policy", pa.string()), ("severity", pa.string()), ("open", pa.int64()), ("waived", pa.int64()),
        ("opened", pa.int64()), ("closed", pa.int64()), ("ages", pa.list_(pa.int64())), ("title", pa.string()),
    ]
)  # fmt: skip
_REPAIR: Final = pa.schema([("policy", pa.string()), ("days", pa.int64()), ("count", pa.int64())])
_COHORTS: Final = pa.schema(
    [("at", _AT), ("sku_id", pa.string()), *((n, pa.int64()) for n in ("kept", "new", "reclaimed", "lapsed"))]
)
_MOMENTS: Final = pa.schema([("at", _AT)])
_SEAT_QUERY: Final = """
    WITH named AS (SELECT sku_id, last(coalesce(sku, sku_id) ORDER BY "at") AS sku, min("at") AS first
                   FROM seats GROUP BY sku_id),
         each AS (SELECT sku_id, named.sku, "at", usable, consumed
                  FROM named JOIN moments ON "at" >= first LEFT JOIN seats USING (sku_id, "at"))
    SELECT sku_id, sku, list("at" ORDER BY "at"), list(usable ORDER BY "at"), list(consumed ORDER BY "at"),
           list(usable - consumed ORDER BY "at")
    FROM each GROUP BY sku_id, sku ORDER BY 2, 1
"""
"""If a later night does not have a product, its values are null there; the last known values are not repeated."""
_COHORT_QUERY: Final = """
    SELECT sku_id, count(DISTINCT "at"), last(kept ORDER BY "at"), sum(new), sum(reclaimed), sum(lapsed)
    FROM cohorts GROUP BY sku_id
"""
_POLICY_QUERY: Final = """
    WITH each AS (SELECT policy, days, unnest(range("count")) FROM repair),
         resolved AS (SELECT policy, count(*) AS repaired, median(days) AS repair_days FROM each GROUP BY policy)
    SELECT p.policy, last(title ORDER BY "at") FILTER (title IS NOT NULL),
           last(severity ORDER BY "at") FILTER (severity IS NOT NULL), list("at" ORDER BY "at"),
           list(open ORDER BY "at"), list(waived ORDER BY "at"),
           coalesce(sum(opened) FILTER ("at" > (SELECT min("at") FROM policies)), 0),
           coalesce(sum(closed) FILTER ("at" > (SELECT min("at") FROM policies)), 0), last(ages ORDER BY "at"),
           any_value(resolved.repaired), any_value(resolved.repair_days)
    FROM policies p LEFT JOIN resolved USING (policy) GROUP BY p.policy ORDER BY p.policy
"""
_EPISODE_QUERY: Final = """
    SELECT fingerprint, policy, last(severity ORDER BY "at"),
           last(coalesce(nullif(subject_name, ''), subject_id) ORDER BY "at") AS subject,
           last(product ORDER BY "at"), last(detail ORDER BY "at"), since,
           max("at") FILTER (event IN ('closed', 'dropped')),
           last(event ORDER BY "at") FILTER (event IN ('closed', 'dropped')),
           last(status ORDER BY "at"), last(waiver ORDER BY "at"), any_value(subject_id)
    FROM events WHERE fingerprint IN (SELECT fingerprint FROM events WHERE {where})
    GROUP BY fingerprint, policy, since ORDER BY since, policy, subject, 5, 6, fingerprint
"""


class NightSummary(Struct, frozen=True, kw_only=True):
    """The counts of a night: the summary of a stored night, or counts computed from a snapshot."""

    at: datetime
    complete: bool
    summary: Mapping[str, Any]


def trends(
    tenant: str,
    nights: Sequence[NightSummary],
    results: Sequence[LoggedResult],
    *,
    now: datetime,
    between: tuple[datetime | None, datetime | None] = (None, None),
) -> Trends | None:
    """Return the trends of a tenant; None if there is no night or result in `between`, whose ends are included."""
    nights = [night for night in nights if _is_within(night.at, between)]
    results = [entry for entry in results if _is_within(entry.as_of, between)]
    if not nights and not results:
        return None
    moments = [night.at for night in nights] + [entry.as_of for entry in results]
    tables = {
        "seats": _table(list(_seat_rows(nights, results)), _SEATS),
        "moments": _table([(at,) for at in _seat_moments(nights, results)], _MOMENTS),
        "cohorts": pa.Table.from_pylist(list(_cohort_rows(nights)), _COHORTS),
        "policies": _table([_policy_row(e, p) for e in results for p in e.summary["policies"]], _POLICIES),
        "repair": pa.Table.from_pylist(list(_repair_rows(results)), _REPAIR),
    }
    db = _Database(tables)
    return Trends(
        tenant=tenant,
        nights=len(nights),
        results=len(results),
        since=min(moments),
        until=max(moments),
        seats=tuple(_seats(db, now, ended=between[1] is not None)),
        policies=tuple(_policies(db)),
        people=tuple(
            (n.at, n.summary.get("users"), n.summary.get("blocked"), n.summary.get("licensed")) for n in nights
        ),
        open=tuple(_open(entry) for entry in results),
        money=_money(results),
        unknown=tuple(_missing_data(nights, results)),
        not_evaluated=_not_evaluated(results),
    )


def episodes(events: pa.Table, *, by: str, wanted: str) -> tuple[Episode, ...]:
    """Return the periods in which findings existed, selected by `finding`, `policy` or `person`, oldest first.

    `wanted` is the beginning of a fingerprint, the id of a policy, or the sign-in name, name or id of a person.
    """
    where = {
        "finding": "starts_with(fingerprint, lower(?))",
        "policy": "policy = ?",
        "person": "subject_type = 'user' AND lower(?) IN (lower(subject_id), lower(subject_name), lower(person))",
    }[by]
    rows = _Database({"events": events}).rows(_EPISODE_QUERY.format(where=where), [wanted])
    return tuple(
        Episode(
            fingerprint=row[0], policy=row[1], severity=row[2], subject=row[3], product=row[4], detail=row[5],
            since=_utc(row[6]), until=None if row[7] is None else _utc(row[7]), ended=row[8], status=row[9],
            waiver=row[10], subject_id=row[11],
        )
        for row in rows
    )  # fmt: skip


class _Database:
    """An in-memory DuckDB database of Arrow tables, without access to files and the network."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        import duckdb  # noqa: PLC0415  only needed for history

        # The command line freezes the garbage collector at exit; DuckDB then complains about remaining objects.
        atexit.register(gc.unfreeze)
        self._connection = duckdb.connect()
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
            self._connection.execute(f"SET {setting} = false")
        for name, table in tables.items():
            self._connection.register(name, _without_zones(table))

    def rows(self, query: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(query, list(values)).fetchall())


def _without_zones(table: pa.Table) -> pa.Table:
    timestamps = [field for field in table.schema if pa.types.is_timestamp(field.type)]
    for field in timestamps:
        index = table.schema.get_field_index(field.name)
        table = table.set_column(index, field.name, table.column(index).cast(_AT))
    return table


def _is_within(at: datetime, between: tuple[datetime | None, datetime | None]) -> bool:
    first, last = between
    return (first is None or at >= first) and (last is None or at <= last)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _results_without_night(nights: Sequence[NightSummary], results: Sequence[LoggedResult]) -> list[LoggedResult]:
    """Return the results of days without a night; the seats of other results are not used."""
    days = {night.at.date() for night in nights}
    return [entry for entry in results if entry.as_of.date() not in days]


def _seat_moments(nights: Sequence[NightSummary], results: Sequence[LoggedResult]) -> list[datetime]:
    """Return the instants at which seats were, or could have been, recorded."""
    used_results = _results_without_night(nights, results)
    return sorted({*(night.at for night in nights), *(entry.as_of for entry in used_results)})


def _seat_rows(nights: Sequence[NightSummary], results: Sequence[LoggedResult]) -> Iterable[tuple[Any, ...]]:
    """Yield the seats of every night, and of every result of a day without a night."""
    for night in nights:
        for seat in night.summary["seats"]:
            counted = seat["enabled"] is not None and seat["warning"] is not None
            usable = seat["enabled"] + seat["warning"] if counted else None
            yield _seat(seat, night.at, usable)
    for entry in _results_without_night(nights, results):
        for seat in entry.summary["seats"]:
            yield _seat(seat, entry.as_of, seat["usable"])


def _seat(seat: Mapping[str, Any], at: datetime, usable: int | None) -> tuple[Any, ...]:
    return at, seat["skuId"], seat["skuPartNumber"], usable, seat["consumed"]


def _cohort_rows(nights: Sequence[NightSummary]) -> Iterable[dict[str, Any]]:
    """Yield the cohorts of holders from one night to the next; of overlapping comparisons only the longest.

    Comparisons overlap if a night was stored after the night that follows it, which was compared without it.
    """
    compared_from: datetime | None = None
    for night in reversed(nights):
        cohorts = night.summary.get("cohorts")
        if cohorts and (compared_from is None or night.at <= compared_from):
            compared_from = datetime.fromisoformat(cohorts["since"])
            for sku_id, counts in cohorts["skus"].items():
                yield {"at": night.at, "sku_id": sku_id, **counts}


def _policy_row(entry: LoggedResult, policy: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("id", "severity", "open", "waived", "opened", "closed", "ages")
    return entry.as_of, *(policy[name] for name in names), policy.get("title")


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _repair_rows(results: Sequence[LoggedResult]) -> Iterable[dict[str, Any]]:
    for entry in results:
        for policy in entry.summary["policies"]:
            for days, count in policy["repair"].items():
                yield {"policy": policy["id"], "days": int(days), "count": count}


def _seats(db: _Database, now: datetime, *, ended: bool) -> Iterable[SeatTrend]:
    cohorts = {row[0]: Cohorts(nights=row[1], kept=row[2], new=row[3], reclaimed=row[4], lapsed=row[5])
               for row in db.rows(_COHORT_QUERY)}  # fmt: skip
    for sku_id, sku, at, usable, consumed, spare in db.rows(_SEAT_QUERY):
        moments = tuple(map(_utc, at))
        predicted: Forecast = forecast(moments, consumed, usable, moments[-1] if ended else now)
        yield SeatTrend(
            sku_id=sku_id, sku=sku, at=moments, usable=tuple(usable), consumed=tuple(consumed), spare=tuple(spare),
            cohorts=cohorts.get(sku_id), forecast=predicted,
        )  # fmt: skip


def _policies(db: _Database) -> Iterable[PolicyTrend]:
    for policy, title, severity, at, open_counts, waived, opened, closed, ages, repaired, days in db.rows(
        _POLICY_QUERY
    ):
        yield PolicyTrend(
            policy=policy,
            title=title,
            severity=None if severity is None else Severity(severity),
            at=tuple(map(_utc, at)),
            open=tuple(open_counts),
            waived=tuple(waived),
            opened=int(opened),
            closed=int(closed),
            ages=tuple(ages),
            repaired=int(repaired or 0),
            repair_days=None if days is None else float(days),
        )


def _open(entry: LoggedResult) -> tuple[datetime, Mapping[Severity, int], int, int]:
    summary = entry.summary
    counts = {severity: int(summary["open"].get(severity.value, 0)) for severity in Severity}
    return entry.as_of, counts, summary["waived"], summary["notEvaluated"]


def _money(results: Sequence[LoggedResult]) -> Mapping[str, tuple[tuple[datetime, Decimal], ...]]:
    currencies = sorted({currency for entry in results for currency in entry.summary["money"]})
    return {
        currency: tuple((entry.as_of, Decimal(entry.summary["money"].get(currency, "0"))) for entry in results)
        for currency in currencies
    }


def _not_evaluated(results: Sequence[LoggedResult]) -> frozenset[str]:
    """Return the policies that could not be evaluated in the latest result."""
    policies = max(results, key=lambda entry: entry.as_of).summary["policies"] if results else ()
    return frozenset(policy["id"] for policy in policies if policy["status"] == Outcome.NOT_EVALUATED.value)


def incomplete_nights(nights: Sequence[NightSummary | None]) -> Iterator[Message]:
    """Yield a message if nights are incomplete: what they lack may only not have been read."""
    incomplete = sum(night is not None and not night.complete for night in nights)
    if incomplete and len(nights) == 1:
        yield Message("the only night was not read completely")
    elif incomplete == 1:
        yield Message("one of {all} nights was not read completely", all=len(nights))
    elif incomplete:
        yield Message("{some} of {all} nights were not read completely", some=incomplete, all=len(nights))


def incomplete_results(results: Sequence[LoggedResult | None]) -> Iterator[Message]:
    """Yield a message if results are incomplete: what they lack may only not have been evaluated."""
    not_evaluated = sum(entry is not None and bool(entry.summary["notEvaluated"]) for entry in results)
    if not_evaluated and len(results) == 1:
        yield Message("in the only result some policy could not be evaluated")
    elif not_evaluated:
        yield Message(
            "in {some} of {all} results some policy could not be evaluated", some=not_evaluated, all=len(results)
        )


def _missing_data(nights: Sequence[NightSummary], results: Sequence[LoggedResult]) -> Iterator[Message]:
    yield from incomplete_nights(nights)
    without_people = sum(night.summary.get("users") is None for night in nights)
    if without_people and len(nights) == 1:
        yield Message("people are not counted in the only night")
    elif without_people:
        yield Message("people are not counted in {some} of {all} nights", some=without_people, all=len(nights))
    yield from incomplete_results(results)
    if not results:
        yield Message("no result is stored: findings and money over time are not known")
