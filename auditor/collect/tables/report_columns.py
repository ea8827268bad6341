"""Defines which columns of Microsoft's usage reports fill which columns of users.parquet."""

from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.arrays.columns import Flags
from auditor.collect.tables.report_csv import (
    NOTHING,
    Cell,
    Numbers,
    Reader,
    ReportColumn,
    days,
    flags,
    or_nothing,
    sizes,
)
from auditor.snapshot import schema


def _column(name: str, header: str, numbers: Reader, storage: type[np.integer[Any]] = np.int32) -> ReportColumn:
    cell = Cell(fact=name, header=header, numbers=numbers)
    return ReportColumn(name=name, cells=(cell,), merge=np.maximum, start=NOTHING, storage=storage)


def _app_bit(bit: int, texts: pa.Array) -> tuple[Numbers, Flags]:
    values, unreadable = flags(texts)
    return values << bit, unreadable


def app_columns(period: str) -> tuple[ReportColumn, ...]:
    """Return the column with the apps that were used in a period."""
    name = schema.APP_USAGE_COLUMNS[period]
    cells = tuple(
        Cell(
            fact=f"{name}:{app}:{platform}",
            header=f"{app} ({platform})",
            numbers=partial(_app_bit, schema.PLATFORMS.index(platform) * len(schema.APPS) + schema.APPS.index(app)),
        )
        for platform in schema.PLATFORMS
        for app in schema.APPS
    )
    return (ReportColumn(name=name, cells=cells, merge=np.bitwise_or, start=0),)


_HEADERS: Final = {"skype": "skype for business"}
SERVICE_COLUMNS: Final = tuple(
    _column(name, f"{_HEADERS.get(service, service)} last activity date", days)
    for service, name in schema.SERVICE_COLUMNS.items()
)
COPILOT_COLUMNS: Final = (_column("copilotLastActivityDate", "*last activity date", days),)
MAILBOX_COLUMNS: Final = (
    _column("mailboxStorageUsed", "storage used (byte)", partial(or_nothing, sizes), np.int64),
    _column("mailboxHasArchive", "has archive", partial(or_nothing, flags)),
)
