"""Renders trends, cohorts of licence holders, and episodes of findings as JSON (`auditor/history/v1`)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from auditor.domain.trends import Between, Cohorts, Episode, Forecast, PolicyTrend, SeatTrend, Trends
from auditor.result.codec.encoder import document, members

SCHEMA: Final = "auditor/history/v1"


def render(trends: Sequence[Trends], between: Sequence[Between] = ()) -> Iterable[bytes]:
    """Render history.json; `between` contains the changes between two instants, if two were requested."""
    content: dict[str, Any] = {"schema": SCHEMA, "tenants": [_tenant(tenant_trends) for tenant_trends in trends]}
    if between:
        content["between"] = [_between(comparison) for comparison in between]
    return (document(content),)


def render_episodes(episodes: Mapping[str, Sequence[Episode]], *, single: bool) -> Iterable[bytes]:
    """Render the episodes, which are the periods in which findings existed, by tenant; `single`: of the only tenant."""
    if single:
        ((tenant, periods),) = episodes.items()
        return (document({"schema": SCHEMA, "tenant": tenant, "episodes": periods}),)
    tenants = [{"name": tenant, "episodes": periods} for tenant, periods in episodes.items()]
    return (document({"schema": SCHEMA, "tenants": tenants}),)


def render_cohorts(tenant: str, cohorts: Mapping[str, Cohorts], names: Mapping[str, str]) -> Iterable[bytes]:
    """Render the changes of the holders of each SKU between two nights; `names` maps skuIds to part numbers."""
    people = [{"skuId": sku, "skuPartNumber": names.get(sku), **members(counts)} for sku, counts in cohorts.items()]
    for entry in people:
        del entry["nights"]
    return (document({"schema": SCHEMA, "tenant": tenant, "people": people}),)


def _tenant(trends: Trends) -> dict[str, Any]:
    return {
        "name": trends.tenant,
        "displayName": trends.display_name,
        "nights": trends.nights,
        "results": trends.results,
        "since": trends.since,
        "until": trends.until,
        "unknown": trends.unknown,
        "seats": [_seats(seat) for seat in trends.seats],
        "people": [
            {"at": instant, "accounts": accounts, "blocked": blocked, "licensed": licensed}
            for instant, accounts, blocked, licensed in trends.people
        ],
        "findings": [
            {
                "at": instant,
                "open": open_findings,
                "waived": waived,
                "notEvaluated": not_evaluated,
            }
            for instant, open_findings, waived, not_evaluated in trends.open
        ],
        "policies": [_policy(policy) for policy in trends.policies],
        "money": [
            {"currency": currency, "nights": [{"at": instant, "perMonth": float(value)} for instant, value in sums]}
            for currency, sums in trends.money.items()
        ],
    }


def _between(between: Between) -> dict[str, Any]:
    return {
        "tenant": between.tenant,
        "nights": between.nights,
        "results": between.results,
        "unknown": between.unknown,
        "seats": [
            {"skuId": s.sku_id, "skuPartNumber": s.sku, "usable": s.usable, "consumed": s.consumed, "spare": s.spare}
            for s in between.seats
        ],
        "policies": [
            {"id": p.policy, "open": p.open, "waived": p.waived, "new": p.new, "gone": p.gone, "changed": p.changed}
            for p in between.policies
        ],
        "money": [
            {"currency": currency, "perMonth": [float(value) for value in values]}
            for currency, values in between.money.items()
        ],
        "findings": between.findings,
    }


def _seats(seat: SeatTrend) -> dict[str, Any]:
    rows = zip(seat.instants, seat.usable, seat.consumed, seat.spare, strict=True)
    return {
        "skuId": seat.sku_id,
        "skuPartNumber": seat.sku,
        "nights": [{"at": instant, "usable": u, "consumed": c, "spare": s} for instant, u, c, s in rows],
        "cohorts": seat.cohorts,
        "forecast": _forecast(seat.forecast),
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    low, middle, high = forecast.per_week or (None, None, None)
    return {
        "method": forecast.method,
        "silent": forecast.silent,
        "perWeek": None if forecast.per_week is None else {"low": low, "estimate": middle, "high": high},
        "runsOut": forecast.expected,
        "earliest": forecast.earliest,
        "latest": forecast.latest,
    }


def _policy(policy: PolicyTrend) -> dict[str, Any]:
    rows = zip(policy.instants, policy.open, policy.waived, strict=True)
    return {
        "id": policy.policy,
        "title": policy.title,
        "severity": policy.severity,
        "results": [{"at": instant, "open": open_count, "waived": waived} for instant, open_count, waived in rows],
        "opened": policy.opened,
        "closed": policy.closed,
        "ages": dict(zip(("under7", "under30", "under90", "older"), policy.ages, strict=True)),
        "repaired": policy.repaired,
        "medianRepairDays": policy.repair_days,
    }
