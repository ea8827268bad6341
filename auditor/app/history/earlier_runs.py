"""Reads what earlier runs came to, for the curves of reports, from a folder of saved results."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from auditor.app.locations import is_store
from auditor.app.report.subset import portion
from auditor.app.saved_results import saved_results
from auditor.deliver.mail.routing import Envelope
from auditor.domain.errors import Diagnostic, Level, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.render import FORMATS
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.aggregate import money, summarise
from auditor.result.ranking import single_tenant
from auditor.result.seats import spare_seats

Warn = Callable[[Diagnostic], None]
"""Receives warnings."""
_LEADS: Final = Message("specify the folder that contains the result.json files of earlier runs")


def earlier(folder: Path | str, result: Result, warn: Warn = lambda _: None) -> tuple[EarlierRun, ...]:
    """Return the runs before `result` whose result.json lies anywhere below a folder, oldest first.

    A curve compares like with like: a run has the tenants that were audited now, and is passed over where it lacks
    one. Of several at one instant the last by path counts; where none is left, `warn` hears of it. Raises UsageError
    (`history-missing`) where there is no such folder, SnapshotError for a file that cannot be read. A store, by folder
    or address, shows the runs that were put into it.
    """
    if is_store(folder):
        from auditor.app.history.queries import stored_runs  # noqa: PLC0415  a folder of results needs none of it

        return stored_runs(folder, result, warn)
    check_folder(Path(folder))
    return _runs(Path(folder), [(result, None)], warn)[0]


def earlier_of_each(folder: Path | str, result: Result) -> dict[str, tuple[EarlierRun, ...]]:
    """Return for each tenant the earlier runs in which it was audited too, oldest first."""
    parts = [(tenant.name, single_tenant(result, tenant.name)) for tenant in result.tenants if tenant.failure is None]
    if is_store(folder):
        runs_of: dict[str, tuple[EarlierRun, ...]] = {}
        for name, mine in parts:
            # Its failure is reported where the runs of all tenants are read.
            with TenantBoundary(name, alone=len(parts) == 1):
                runs_of[name] = earlier(folder, mine)
        return runs_of
    runs_of_parts = _runs(Path(folder), [(mine, None) for _, mine in parts], lambda _: None)
    return {name: runs for (name, _), runs in zip(parts, runs_of_parts, strict=True)}


def check_folder(folder: Path) -> None:
    """Raise UsageError (`history-missing`) if the folder does not exist."""
    if not folder.is_dir():
        raise UsageError("history-missing", Message("there is no folder {location}", location=folder), hint=_LEADS)


def earlier_of(
    folder: Path | str, portions: Sequence[tuple[Envelope, Result]], warn: Warn = lambda _: None
) -> tuple[tuple[EarlierRun, ...], ...]:
    """Return for each reader and what they see of a result the runs before it, counted as far as they may see them.

    Where a folder has none for any of them, `warn` hears of it once. A store keeps counts, not findings: who receives
    only some severities, owners or tags gets no curves from it.
    """
    if is_store(folder):
        return tuple(() if any(envelope.scope()) else earlier(folder, mine) for envelope, mine in portions)
    check_folder(Path(folder))

    def seen(envelope: Envelope) -> Callable[[Result], Result]:
        return lambda run: portion(run, envelope)

    return _runs(Path(folder), [(mine, seen(envelope)) for envelope, mine in portions], warn)


def _runs(
    folder: Path, portions: Sequence[tuple[Result, Callable[[Result], Result] | None]], warn: Warn
) -> tuple[tuple[EarlierRun, ...], ...]:
    """Read every earlier result once; returns what it came to in each portion, None standing for all of it."""
    runs_of_parts: list[dict[float, EarlierRun]] = [{} for _ in portions]
    audited = [[tenant.name for tenant in result.tenants if tenant.failure is None] for result, _ in portions]
    for file in sorted(folder.rglob(FORMATS["json"].file)):
        with saved_results([file], None) as ([(_, run)], _spill):
            all_of_it = _by_name(run)
            for runs, names, (result, portion_of) in zip(runs_of_parts, audited, portions, strict=True):
                if run.run.as_of < result.run.as_of:
                    mine = run if portion_of is None else portion_of(run)
                    past = _past(mine, all_of_it if portion_of is None else _by_name(mine), names)
                    if past is not None:
                        runs[run.run.as_of.timestamp()] = past
    if portions and not any(runs_of_parts):
        message = Message(
            "there are no trends: no result.json below {folder} is of an earlier run of these tenants", folder=folder
        )
        warn(Diagnostic(slug="history-none", message=message, hint=_LEADS, level=Level.WARNING))
    return tuple(tuple(runs[moment] for moment in sorted(runs)) for runs in runs_of_parts)


def _by_name(run: Result) -> Mapping[str, TenantResult]:
    return {tenant.name: tenant for tenant in run.tenants}


def _past(run: Result, by_name: Mapping[str, TenantResult], names: Sequence[str]) -> EarlierRun | None:
    """Return what an earlier run came to in some tenants; None if one was not audited then."""
    tenants = [by_name[name] for name in names if name in by_name and by_name[name].failure is None]
    if not tenants or len(tenants) < len(names):
        return None
    whole = len(tenants) == len(by_name)
    if not whole:
        run = replace(run, tenants=tuple(tenants), fleet=FleetResult(), summary=summarise(tenants))
    return EarlierRun(as_of=run.run.as_of, open=run.summary.open, money=money(run), spare=spare_seats(run), whole=whole)
