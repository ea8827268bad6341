"""Defines which columns of Microsoft's usage reports fill which columns of users.parquet."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from auditor.collect.tables.report_csv import NOTHING, Cell, ReportColumn, day, flag, size
from auditor.snapshot import schema


def _column(name: str, header: str, number: Callable[[str], int], storage: type[np.integer[Any]]) -> ReportColumn:
    cell = Cell(fact=name, header=header, number=number)
    return ReportColumn(name=name, cells=(cell,), merge=np.maximum, start=NOTHING, storage=storage)


def _or_nothing(number: Callable[[str], int], text: str) -> int:
    """Return NOTHING for a blank text, which tells as little as a missing column."""
    return number(text) if text else NOTHING


def _used(bit: int, text: str) -> int:
    return flag(text) << bit


def app_columns(period: str) -> tuple[ReportColumn, ...]:
    """Return the column of the apps that were used in a period."""
    name = schema.APP_USAGE_COLUMNS[period]
    cells = tuple(
        Cell(
            fact=f"{name}:{app}:{platform}",
            header=f"{app} ({platform})",
            number=partial(_used, schema.PLATFORMS.index(platform) * len(schema.APPS) + schema.APPS.index(app)),
        )
        for platform in schema.PLATFORMS
        for app in schema.APPS
    )
    return (ReportColumn(name=name, cells=cells, merge=np.bitwise_or, start=0),)


_HEADERS: Final = {"skype": "skype for business"}
SERVICE_COLUMNS: Final = tuple(
    _column(name, f"{_HEADERS.get(service, service)} last activity date", day, np.int32)
    for service, name in schema.SERVICE_COLUMNS.items()
)
COPILOT_COLUMNS: Final = (_column("copilotLastActivityDate", "*last activity date", day, np.int32),)
MAILBOX_COLUMNS: Final = (
    _column("mailboxStorageUsed", "storage used (byte)", partial(_or_nothing, size), np.int64),
    _column("mailboxHasArchive", "has archive", partial(_or_nothing, flag), np.int32),
)
