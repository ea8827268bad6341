"""Reads the totals of earlier runs from a folder of saved results, for the trend charts of reports."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from auditor.app.locations import is_store
from auditor.app.recipients.envelopes import Envelope
from auditor.app.recipients.portion import portion
from auditor.app.saved_results import results_below
from auditor.domain.errors import Diagnostic, Level, SnapshotError, UsageError, Warn
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.aggregate import money, single_tenant, summarise
from auditor.result.missing_tenants import warn_of_missing
from auditor.result.seats import spare_seats

_HINT: Final = Message("specify the folder that contains the result.json files of earlier runs")


def earlier(
    folder: Path | str, result: Result, warn: Warn = lambda _: None, *, all_tenants: bool = False
) -> tuple[EarlierRun, ...]:
    """Return the runs before `result` that have a result.json in a folder or its subfolders, oldest first.

    Only the tenants of `result` are counted, so that charts compare the same tenants; runs that lack one of them are
    skipped. If several results have the same instant, the last by path is used. If none is left, `warn` is called.
    `folder` may also be a store, as a folder or an address: its stored runs are returned. With `all_tenants`, `warn` is
    called for each tenant of the latest run that is not in `result`, if they have a tenant in common.
    It is also called with the error of each file that cannot be read, which is left out. Raises UsageError
    (`history-missing`) if the folder does not exist, and SnapshotError if the only tenant in a store cannot be read.
    """
    if is_store(folder):
        from auditor.app.history.stored_runs import stored_runs  # noqa: PLC0415  not needed for a folder of results

        return stored_runs(folder, result, warn, all_tenants=all_tenants)
    check_folder(Path(folder))
    (runs,), names_by_run = _runs(Path(folder), [(result, None)], warn)
    if all_tenants and names_by_run:
        latest, names = max(names_by_run.items())
        if any(tenant.name in names for tenant in result.tenants):
            warn_of_missing(names, latest, result, warn)
    return runs


def earlier_of_each(folder: Path | str, result: Result) -> dict[str, tuple[EarlierRun, ...]]:
    """Return, for each tenant, the earlier runs that audited it, oldest first."""
    parts = [(tenant.name, single_tenant(result, tenant.name)) for tenant in result.tenants if tenant.failure is None]
    if is_store(folder):
        runs_of: dict[str, tuple[EarlierRun, ...]] = {}
        for name, part in parts:
            # The failure is reported when the runs of all tenants are read.
            with TenantBoundary(name, only_tenant=len(parts) == 1):
                runs_of[name] = earlier(folder, part)
        return runs_of
    runs_of_parts, _ = _runs(Path(folder), [(part, None) for _, part in parts], lambda _: None)
    return {name: runs for (name, _), runs in zip(parts, runs_of_parts, strict=True)}


def check_folder(folder: Path) -> None:
    """Raise UsageError (`history-missing`) if the folder does not exist."""
    if not folder.is_dir():
        raise UsageError("history-missing", Message("there is no folder {location}", location=folder), hint=_HINT)


def earlier_of(
    folder: Path | str, portions: Sequence[tuple[Envelope, Result]], warn: Warn = lambda _: None
) -> tuple[tuple[EarlierRun, ...], ...]:
    """Return, for each reader and their part of a result, the earlier runs, restricted to the same part.

    `warn` is called once if a folder has no earlier run for any of them, and for each file that cannot be read. A
    store contains counts, not findings: a reader who receives only some severities, owners or tags gets no charts from
    it.
    """
    if is_store(folder):
        known: list[Diagnostic] = []

        def warn_once(diagnostic: Diagnostic) -> None:
            # Readers of the same tenants cause the same warning.
            if diagnostic not in known:
                known.append(diagnostic)
                warn(diagnostic)

        return tuple(() if any(envelope.scope()) else earlier(folder, part, warn_once) for envelope, part in portions)
    check_folder(Path(folder))

    def portion_of(envelope: Envelope) -> Callable[[Result], Result]:
        return lambda run: portion(run, envelope)

    return _runs(Path(folder), [(part, portion_of(envelope)) for envelope, part in portions], warn)[0]


def _runs(
    folder: Path, portions: Sequence[tuple[Result, Callable[[Result], Result] | None]], warn: Warn
) -> tuple[tuple[tuple[EarlierRun, ...], ...], Mapping[datetime, AbstractSet[str]]]:
    """Read every earlier result once; return its totals for each part, and the tenants of each earlier run.

    None instead of a function selects all.
    """
    names_by_run: dict[datetime, set[str]] = {}
    runs_of_parts: list[dict[float, EarlierRun]] = [{} for _ in portions]
    audited = [[tenant.name for tenant in result.tenants if tenant.failure is None] for result, _ in portions]
    for run in results_below(folder):
        if isinstance(run, SnapshotError):
            # The reports of the current run must not be lost with a damaged file.
            for diagnostic in run.diagnostics:
                warn(diagnostic)
            continue
        tenants_by_name = _by_name(run)
        if any(run.run.as_of < result.run.as_of for result, _ in portions):
            names_by_run.setdefault(run.run.as_of, set()).update(tenants_by_name)
        for runs, names, (result, portion_of) in zip(runs_of_parts, audited, portions, strict=True):
            if run.run.as_of < result.run.as_of:
                part = run if portion_of is None else portion_of(run)
                earlier_run = _earlier_run(part, tenants_by_name if portion_of is None else _by_name(part), names)
                if earlier_run is not None:
                    runs[run.run.as_of.timestamp()] = earlier_run
    if portions and not any(runs_of_parts):
        message = Message(
            "there are no trends: no result.json below {folder} is of an earlier run of these tenants", folder=folder
        )
        warn(Diagnostic(slug="history-none", message=message, hint=_HINT, level=Level.WARNING))
    return tuple(tuple(runs[as_of] for as_of in sorted(runs)) for runs in runs_of_parts), names_by_run


def _by_name(run: Result) -> Mapping[str, TenantResult]:
    return {tenant.name: tenant for tenant in run.tenants}


def _earlier_run(run: Result, by_name: Mapping[str, TenantResult], names: Sequence[str]) -> EarlierRun | None:
    """Return the totals of some tenants in an earlier run; None if the run did not audit one of them."""
    tenants = [by_name[name] for name in names if name in by_name and by_name[name].failure is None]
    if not tenants or len(tenants) < len(names):
        return None
    has_all_tenants = len(tenants) == len(by_name)
    if not has_all_tenants:
        run = replace(run, tenants=tuple(tenants), fleet=FleetResult(), summary=summarise(tenants))
    return EarlierRun(
        as_of=run.run.as_of,
        open=run.summary.open,
        money=money(run),
        spare=spare_seats(run),
        includes_fleet=has_all_tenants,
    )
