"""Trends into one long table: an instant, what was measured of what, and the value."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from auditor.domain.trends import Trends
from auditor.render.artifact import Artifact
from auditor.render.tables.csv import spreadsheet


class Line(NamedTuple):
    """One measurement."""

    tenant: str
    at: str
    kind: str
    """seats, people, findings, policy or money."""
    id: str
    name: str
    measure: str
    value: float | None


def lines(trends: Sequence[Trends]) -> Iterable[Line]:
    """Yield every measurement, by tenant, kind, thing and instant."""
    for tenant in trends:
        for seat in tenant.seats:
            columns = (("usable", seat.usable), ("consumed", seat.consumed), ("spare", seat.spare))
            for measure, values in columns:
                for at, value in zip(seat.at, values, strict=True):
                    yield Line(tenant.tenant, _at(at), "seats", seat.sku_id, seat.sku, measure, value)
        for at, *counts in tenant.people:
            for measure, value in zip(("accounts", "blocked", "licensed"), counts, strict=True):
                yield Line(tenant.tenant, _at(at), "people", "", "", measure, value)
        for at, stood, waived, unjudged in tenant.open:
            for severity, count in stood.items():
                yield Line(tenant.tenant, _at(at), "findings", severity.value, "", "open", count)
            yield Line(tenant.tenant, _at(at), "findings", "", "", "waived", waived)
            yield Line(tenant.tenant, _at(at), "findings", "", "", "notEvaluated", unjudged)
        for policy in tenant.policies:
            for measure, each in (("open", policy.open), ("waived", policy.waived)):
                for at, value in zip(policy.at, each, strict=True):
                    yield Line(tenant.tenant, _at(at), "policy", policy.policy, "", measure, value)
        for currency, sums in tenant.money.items():
            for at, amount in sums:
                yield Line(tenant.tenant, _at(at), "money", currency, "", "perMonth", float(amount))


def render_csv(trends: Sequence[Trends]) -> Artifact:
    """Write the table as CSV, whose texts no spreadsheet takes for a formula."""
    body = spreadsheet([Line._fields, *lines(trends)])
    return Artifact(name="history.csv", media_type="text/csv; charset=utf-8", body=body)


def render_parquet(trends: Sequence[Trends]) -> Artifact:
    """Write the table as Parquet."""
    import pyarrow as pa  # noqa: PLC0415  the other formats do without
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = [*zip(Line._fields[:-1], repeat(pa.string())), ("value", pa.float64())]
    columns = zip(*lines(trends), strict=True)
    arrays = [pa.array(values, kind) for values, (_, kind) in zip(columns, kinds, strict=True)]
    schema = pa.schema(kinds)
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema) if arrays else schema.empty_table(), sink, compression="zstd")
    return Artifact(name="history.parquet", media_type="application/vnd.apache.parquet", body=sink.getvalue())


def _at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
