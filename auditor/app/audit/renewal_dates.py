"""Reads the renewal dates of subscriptions in earlier nights, to detect monthly terms."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.app.locations import is_store, store_at
from auditor.domain.errors import Diagnostic, Level, SnapshotError, Warn
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet, Subscriptions
from auditor.domain.renewals import DatedNight, EarlierDates

if TYPE_CHECKING:
    import pyarrow as pa

    from auditor.store.commit import Night
    from auditor.store.store import Store

_DAYS: Final = 400
"""How many days back nights are read: two nights suffice to detect a monthly term, and older ones only cost time."""
_RenewalDate = tuple[str, str, DatedNight]
"""A tenant, the id of a subscription, and its renewal date in a night."""


def earlier_dates(
    locations: Sequence[Path | str], policies: PolicySet, as_of: datetime, warn: Warn
) -> dict[str, EarlierDates]:
    """Return the renewal dates of subscriptions in the nights of folders and stores, by tenant.

    Empty if no policy uses `except_monthly`. `warn` is called for each night that cannot be read, which is skipped.
    """
    if not any(
        isinstance(policy.constraint, Subscriptions) and policy.constraint.except_monthly
        for policy in policies.policies
    ):
        return {}
    nights: dict[str, dict[str, list[DatedNight]]] = {}
    for location in dict.fromkeys(locations):
        renewal_dates = (
            _dates_in_store(store_at(location), as_of, warn)
            if is_store(location)
            else _dates_in_results(Path(location), warn)
        )
        for tenant, subscription, night in renewal_dates:
            if as_of - timedelta(days=_DAYS) <= night[0] <= as_of:
                nights.setdefault(tenant, {}).setdefault(subscription, []).append(night)
    return dict(nights)


def _dates_in_results(folder: Path, warn: Warn) -> Iterator[_RenewalDate]:
    from auditor.app.saved_results import results_below  # noqa: PLC0415  only if there are earlier nights

    for result in results_below(folder):
        if isinstance(result, SnapshotError):
            _warn_unreadable(result, warn)
            continue
        for tenant in result.tenants:
            for subscription in tenant.subscriptions:
                yield tenant.name, subscription.id, (tenant.as_of, subscription.next_lifecycle_date_time.date())


def _dates_in_store(store: "Store", as_of: datetime, warn: Warn) -> Iterator[_RenewalDate]:
    try:
        if not store.exists:
            return
    except SnapshotError as error:
        _warn_unreadable(error, warn)
        return
    tables: dict[str, pa.Table | None] = {}
    for _, night in store.commits():
        if isinstance(night, SnapshotError):
            _warn_unreadable(night, warn)
        elif as_of - timedelta(days=_DAYS) <= night.instant <= as_of:
            try:
                table = _subscriptions(store, night, tables)
            except SnapshotError as error:
                _warn_unreadable(error, warn)
                continue
            for row in [] if table is None else table.to_pylist():
                if row["nextLifecycleDateTime"] is not None:
                    yield night.tenant, row["id"], (night.instant, row["nextLifecycleDateTime"].date())


def _subscriptions(store: "Store", night: "Night", tables: "dict[str, pa.Table | None]") -> "pa.Table | None":
    """Return the subscriptions of a night; objects of the store that several nights share are read once."""
    from auditor.store.delta.pack import table_of  # noqa: PLC0415  only if a policy needs terms

    for entry in night.parts:
        if entry.name not in tables:
            tables[entry.name] = table_of(store.objects((entry,))[0], "subscriptions")
    return next((table for entry in reversed(night.parts) if (table := tables[entry.name]) is not None), None)


def _warn_unreadable(error: SnapshotError, warn: Warn) -> None:
    for diagnostic in error.diagnostics:
        warn(
            Diagnostic(
                slug="renewal-dates-unread",
                message=Message(
                    "the monthly terms cannot be detected from a night: {reason}", reason=diagnostic.message
                ),
                hint=diagnostic.hint,
                level=Level.WARNING,
            )
        )
