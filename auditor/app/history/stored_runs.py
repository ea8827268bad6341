"""Reads the totals of earlier runs from a store, for the trend charts of reports."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from auditor.app.locations import store_at
from auditor.domain.enums import Severity
from auditor.domain.errors import SnapshotError, Warn
from auditor.domain.money import sum_by_currency
from auditor.domain.result.model import Result
from auditor.failures import TenantBoundary
from auditor.history.logged_result import LoggedResult, commit_tenant, decode_entry
from auditor.history.result_log import ResultLog
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.missing_tenants import warn_of_missing
from auditor.result.seats import free_part_numbers, is_for_people
from auditor.store.store import Store


def stored_runs(
    location: Path | str,
    result: Result,
    warn: Warn = lambda _: None,
    *,
    all_tenants: bool = False,
) -> tuple[EarlierRun, ...]:
    """Return the totals of earlier runs in a store, oldest first, without runs that lack one of the result's tenants.

    If the results of one of several tenants cannot be read, `warn` is called with the error, and no runs are returned.
    With `all_tenants`, `warn` is called for each tenant of the latest of these runs that is not in the result.
    """
    store = store_at(location).require()
    names = [tenant.name for tenant in result.tenants if tenant.failure is None]
    by_run: dict[datetime, list[LoggedResult]] = {}
    for name in names:
        with TenantBoundary(name, only_tenant=len(result.tenants) == 1) as boundary:
            for entry in ResultLog(store.backend, name).entries():
                if entry.as_of < result.run.as_of:
                    by_run.setdefault(entry.as_of, []).append(entry)
        if boundary.named_failure is not None:
            for diagnostic in boundary.named_failure.diagnostics:
                warn(diagnostic)
            by_run.clear()
            break
    if all_tenants and by_run:
        latest = max(by_run)
        warn_of_missing(_tenants_at(store, latest, {*names}), latest, result, warn)
    non_user_products = {s.sku_id.casefold() for t in result.tenants for s in t.seats if not is_for_people(s)}
    runs = [(as_of, entries) for as_of, entries in sorted(by_run.items()) if len(entries) == len(names)]
    return tuple(_earlier_run(as_of, entries, non_user_products) for as_of, entries in runs)


def _tenants_at(store: Store, as_of: datetime, known: AbstractSet[str]) -> Iterator[str]:
    """Yield the tenants, other than the `known` ones, whose latest readable result is of an instant."""
    latest_commits = {
        tenant: name
        for name in store.backend.names("")
        if (tenant := commit_tenant(name)) is not None and tenant not in known
    }
    bodies = store.backend.read_many(list(latest_commits.values()))
    for (tenant, name), body in zip(latest_commits.items(), bodies, strict=True):
        # `store check` and the history report damaged results of tenants that are not audited.
        with suppress(SnapshotError):
            if body and decode_entry(body, f"{store.address}/{name}", tenant).as_of == as_of:
                yield tenant


def _earlier_run(as_of: datetime, entries: Sequence[LoggedResult], non_user_products: AbstractSet[str]) -> EarlierRun:
    money = sum_by_currency(
        {currency: Decimal(amount) for currency, amount in entry.summary["money"].items()} for entry in entries
    )
    counts = {s: sum(int(entry.summary["open"].get(s.value, 0)) for entry in entries) for s in Severity}
    return EarlierRun(
        as_of=as_of, open=counts, money=money, spare=spare_seats(entries, non_user_products), includes_fleet=False
    )


def spare_seats(entries: Sequence[LoggedResult], non_user_products: AbstractSet[str]) -> int | None:
    """Return the sum of spare seats of paid products, without those in `non_user_products`, which are SKU ids.

    None if a count is unknown, or if a tenant's products were not read.
    """
    if not all(entry.summary.get("seatsWhole", bool(entry.summary["seats"])) for entry in entries):
        return None
    free = free_part_numbers()
    counts = [
        seat["spare"]
        for entry in entries
        for seat in entry.summary["seats"]
        if (seat["skuPartNumber"] or "").casefold() not in free and seat["skuId"].casefold() not in non_user_products
    ]
    return sum(counts) if counts and None not in counts else None
