"""Reads the next dates of subscriptions in earlier nights, from which monthly terms are recognised."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.app.locations import is_store, store_at
from auditor.domain.errors import Diagnostic, Level, SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet, Subscriptions
from auditor.domain.renewals import DatedNight, EarlierDates
from auditor.render import FORMATS

if TYPE_CHECKING:
    import pyarrow as pa

    from auditor.store.commit import Night
    from auditor.store.store import Store

Warn = Callable[[Diagnostic], None]
_DAYS: Final = 400
"""How far back nights are read: a monthly term shows in two of them, and older ones only cost time."""
_Dated = tuple[str, str, DatedNight]
"""A tenant, the id of a subscription, and its next date in a night."""


def earlier_dates(
    places: Sequence[Path | str], policies: PolicySet, as_of: datetime, warn: Warn
) -> dict[str, EarlierDates]:
    """Return the next dates of subscriptions in the nights of folders and stores, by tenant.

    Empty where no policy asks for terms. `warn` hears of what cannot be read; its nights show nothing.
    """
    if not any(
        isinstance(each.constraint, Subscriptions) and each.constraint.except_monthly for each in policies.policies
    ):
        return {}
    nights: dict[str, dict[str, list[DatedNight]]] = {}
    for path in dict.fromkeys(places):
        dated = _of_store(store_at(path), as_of, warn) if is_store(path) else _of_results(Path(path), warn)
        for tenant, subscription, night in dated:
            if as_of - timedelta(days=_DAYS) <= night[0] <= as_of:
                nights.setdefault(tenant, {}).setdefault(subscription, []).append(night)
    return dict(nights)


def _of_results(folder: Path, warn: Warn) -> Iterator[_Dated]:
    from auditor.app.saved_results import saved_results  # noqa: PLC0415  only where there are earlier nights

    for file in sorted(folder.rglob(FORMATS["json"].file)):
        try:
            with saved_results([file], None) as ([(_, run)], _spill):
                for tenant in run.tenants:
                    for each in tenant.subscriptions:
                        yield tenant.name, each.id, (tenant.as_of, each.next_lifecycle_date_time.date())
        except SnapshotError as error:
            _unread(error, warn)


def _of_store(store: "Store", as_of: datetime, warn: Warn) -> Iterator[_Dated]:
    if not store.exists:
        return
    tables: dict[str, pa.Table | None] = {}
    for _, night in store.commits():
        if isinstance(night, SnapshotError):
            _unread(night, warn)
        elif as_of - timedelta(days=_DAYS) <= night.instant <= as_of:
            try:
                table = _subscriptions(store, night, tables)
            except SnapshotError as error:
                _unread(error, warn)
                continue
            for row in [] if table is None else table.to_pylist():
                if row["nextLifecycleDateTime"] is not None:
                    yield night.tenant, row["id"], (night.instant, row["nextLifecycleDateTime"].date())


def _subscriptions(store: "Store", night: "Night", tables: "dict[str, pa.Table | None]") -> "pa.Table | None":
    """Return the subscriptions of a night; objects that several nights share are read once."""
    from auditor.store.delta.pack import table_of  # noqa: PLC0415  only where a policy asks for terms

    for entry in night.parts:
        if entry.name not in tables:
            tables[entry.name] = table_of(store.part(entry), "subscriptions")
    return next((table for entry in reversed(night.parts) if (table := tables[entry.name]) is not None), None)


def _unread(error: SnapshotError, warn: Warn) -> None:
    for diagnostic in error.diagnostics:
        warn(
            Diagnostic(
                slug="renewal-dates-unread",
                message=Message("a night does not show monthly terms: {reason}", reason=diagnostic.message),
                hint=diagnostic.hint,
                level=Level.WARNING,
            )
        )
