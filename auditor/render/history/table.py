"""Renders trends as a table in long format, one measurement per row."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from auditor.domain.trends import Trends
from auditor.render.tables.csv import spreadsheet


class Measurement(NamedTuple):
    """One measurement."""

    tenant: str
    at: str
    kind: str
    """`seats`, `people`, `findings`, `policy` or `money`."""
    id: str
    """skuId, severity, policy id or currency, depending on `kind`; else empty."""
    name: str
    measure: str
    value: float | None


def lines(trends: Sequence[Trends]) -> Iterable[Measurement]:
    """Yield all measurements, ordered by tenant, kind, id and instant."""
    for tenant in trends:
        for seat in tenant.seats:
            columns = (("usable", seat.usable), ("consumed", seat.consumed), ("spare", seat.spare))
            for measure, values in columns:
                for instant, value in zip(seat.instants, values, strict=True):
                    yield Measurement(tenant.tenant, _text(instant), "seats", seat.sku_id, seat.sku, measure, value)
        for instant, *counts in tenant.people:
            for measure, value in zip(("accounts", "blocked", "licensed"), counts, strict=True):
                yield Measurement(tenant.tenant, _text(instant), "people", "", "", measure, value)
        for instant, open_findings, waived, not_evaluated in tenant.open:
            for severity, count in open_findings.items():
                yield Measurement(tenant.tenant, _text(instant), "findings", severity.value, "", "open", count)
            yield Measurement(tenant.tenant, _text(instant), "findings", "", "", "waived", waived)
            yield Measurement(tenant.tenant, _text(instant), "findings", "", "", "notEvaluated", not_evaluated)
        for policy in tenant.policies:
            for measure, policy_counts in (("open", policy.open), ("waived", policy.waived)):
                for instant, value in zip(policy.instants, policy_counts, strict=True):
                    yield Measurement(tenant.tenant, _text(instant), "policy", policy.policy, "", measure, value)
        for currency, sums in tenant.money.items():
            for instant, amount in sums:
                yield Measurement(tenant.tenant, _text(instant), "money", currency, "", "perMonth", float(amount))


def render_csv(trends: Sequence[Trends], *, byte_order_mark: bool = False) -> Iterable[bytes]:
    """Render the table as CSV; spreadsheets do not interpret its texts as formulas."""
    return (spreadsheet([Measurement._fields, *lines(trends)], byte_order_mark=byte_order_mark),)


def render_parquet(trends: Sequence[Trends]) -> Iterable[bytes]:
    """Render the table as Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - only needed for this format
    import pyarrow.parquet as pq  # noqa: PLC0415 - only needed for this format

    fields = [*zip(Measurement._fields[:-1], repeat(pa.string())), ("value", pa.float64())]
    columns = zip(*lines(trends), strict=True)
    arrays = [pa.array(values, arrow_type) for values, (_, arrow_type) in zip(columns, fields, strict=True)]
    schema = pa.schema(fields)
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema) if arrays else schema.empty_table(), sink, compression="zstd")
    return (sink.getvalue(),)


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
