"""Trends, what became of people, or the stretches of time in which findings stood, into JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import orjson

from auditor.domain.trends import Between, Cohorts, Episode, Forecast, PolicyTrend, SeatTrend, Trends
from auditor.render.artifact import Artifact

SCHEMA: Final = "auditor/history/v1"


def render(trends: Sequence[Trends], between: Sequence[Between] = ()) -> Artifact:
    """Write history.json; `between` is what is new, gone and changed between two instants, where two were named."""
    document: dict[str, Any] = {"schema": SCHEMA, "tenants": [_tenant(each) for each in trends]}
    if between:
        document["between"] = [_between(each) for each in between]
    return _artifact(document)


def render_episodes(tenant: str, episodes: Sequence[Episode]) -> Artifact:
    """Write the answer to "since when?"."""
    found = [
        {
            "fingerprint": each.fingerprint,
            "policy": each.policy,
            "severity": each.severity,
            "subject": each.subject,
            "product": each.product,
            "detail": each.detail,
            "since": each.since,
            "until": each.until,
            "ended": each.ended,
            "status": each.status,
            "waiver": each.waiver,
        }
        for each in episodes
    ]
    return _artifact({"schema": SCHEMA, "tenant": tenant, "episodes": found})


def render_cohorts(tenant: str, cohorts: Mapping[str, Cohorts], names: Mapping[str, str]) -> Artifact:
    """Write what became of the holders of each SKU between two nights; `names` are part numbers by id."""
    found = [
        {
            "skuId": sku,
            "skuPartNumber": names.get(sku),
            "kept": each.kept,
            "new": each.new,
            "reclaimed": each.reclaimed,
            "lapsed": each.lapsed,
        }
        for sku, each in cohorts.items()
    ]
    return _artifact({"schema": SCHEMA, "tenant": tenant, "people": found})


def _artifact(document: Any) -> Artifact:
    try:
        body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    except TypeError:
        # A lone surrogate in a name, which UTF-8 cannot hold.
        body = (json.dumps(document, ensure_ascii=False, indent=2, default=_encoded) + "\n").encode("utf-8", "replace")
    return Artifact(name="history.json", media_type="application/json", body=body)


def _tenant(trends: Trends) -> dict[str, Any]:
    return {
        "name": trends.tenant,
        "nights": trends.nights,
        "results": trends.results,
        "since": trends.since,
        "until": trends.until,
        "unknown": list(trends.unknown),
        "seats": [_seats(seat) for seat in trends.seats],
        "people": [
            {"at": at, "accounts": accounts, "blocked": blocked, "licensed": licensed}
            for at, accounts, blocked, licensed in trends.people
        ],
        "findings": [
            {
                "at": at,
                "open": {s.value: n for s, n in stood.items()},
                "waived": waived,
                "notEvaluated": unjudged,
            }
            for at, stood, waived, unjudged in trends.open
        ],
        "policies": [_policy(policy) for policy in trends.policies],
        "money": [
            {"currency": currency, "nights": [{"at": at, "perMonth": float(value)} for at, value in sums]}
            for currency, sums in trends.money.items()
        ],
    }


def _between(night_pair: Between) -> dict[str, Any]:
    return {
        "tenant": night_pair.tenant,
        "nights": list(night_pair.nights),
        "results": list(night_pair.results),
        "unknown": list(night_pair.unknown),
        "seats": [
            {"skuId": s.sku_id, "skuPartNumber": s.sku, "usable": s.usable, "consumed": s.consumed, "spare": s.spare}
            for s in night_pair.seats
        ],
        "policies": [
            {"id": p.policy, "open": p.open, "waived": p.waived, "new": p.new, "gone": p.gone, "changed": p.changed}
            for p in night_pair.policies
        ],
        "money": [
            {"currency": currency, "perMonth": [float(value) for value in values]}
            for currency, values in night_pair.money.items()
        ],
        "findings": [
            {
                "kind": f.kind,
                "fingerprint": f.fingerprint,
                "policy": f.policy,
                "severity": f.severity,
                "subject": f.subject,
                "product": f.product,
                "detail": f.detail,
                "status": f.status,
            }
            for f in night_pair.findings
        ],
    }


def _seats(seat: SeatTrend) -> dict[str, Any]:
    rows = zip(seat.at, seat.usable, seat.consumed, seat.spare, strict=True)
    cohorts = seat.cohorts
    return {
        "skuId": seat.sku_id,
        "skuPartNumber": seat.sku,
        "nights": [{"at": at, "usable": u, "consumed": c, "spare": s} for at, u, c, s in rows],
        "cohorts": None
        if cohorts is None
        else {
            "nights": cohorts.nights,
            "kept": cohorts.kept,
            "new": cohorts.new,
            "reclaimed": cohorts.reclaimed,
            "lapsed": cohorts.lapsed,
        },
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
    rows = zip(policy.at, policy.open, policy.waived, strict=True)
    return {
        "id": policy.policy,
        "severity": None if policy.severity is None else policy.severity.value,
        "results": [{"at": at, "open": stood, "waived": waived} for at, stood, waived in rows],
        "opened": policy.opened,
        "closed": policy.closed,
        "ages": dict(zip(("under7", "under30", "under90", "older"), policy.ages, strict=True)),
        "repaired": policy.repaired,
        "medianRepairDays": policy.repair_days,
    }


def _encoded(moment: datetime | date) -> str:
    return moment.isoformat().replace("+00:00", "Z")
