"""A folder of saved results into what earlier runs came to: the curves of the report."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from auditor.app.portion import portion
from auditor.app.saved import saved_results
from auditor.deliver.routing import Envelope
from auditor.domain.errors import Diagnostic, Level, UsageError
from auditor.domain.result import Result
from auditor.render import FORMATS
from auditor.render.fleet import spare_seats
from auditor.render.past import Past
from auditor.render.totals import money

Warn = Callable[[Diagnostic], None]
"""Takes what a person should know although nothing fails of it."""
_LEADS: Final = "name the folder below which the result.json files of earlier runs lie"


def earlier(folder: Path | str, result: Result, warn: Warn = lambda _: None) -> tuple[Past, ...]:
    """Return the runs before `result` whose result.json lies anywhere below a folder, oldest first.

    Runs over other tenants are passed over, of several at one instant the last by path counts; where none is left,
    `warn` hears of it. Raises UsageError (`history-missing`) where there is no such folder, SnapshotError for a file
    that cannot be read. A store, by folder or address, tells the runs that were put into it.
    """
    if not isinstance(folder, Path) or (folder / "store.json").is_file():
        from auditor.app.looking_back import stored_runs  # noqa: PLC0415  a folder of results needs none of it

        return stored_runs(folder, result)
    check_folder(folder)
    return _runs(folder, [(result, lambda run: run)], warn)[0]


def check_folder(folder: Path) -> None:
    """Raise UsageError (`history-missing`) where there is no such folder."""
    if not folder.is_dir():
        raise UsageError("history-missing", f"there is no folder {folder}", hint=_LEADS)


def earlier_of(
    folder: Path | str, portions: Sequence[tuple[Envelope, Result]], warn: Warn = lambda _: None
) -> tuple[tuple[Past, ...], ...]:
    """Return for each reader and what they see of a result the runs before it, counted as far as they may see them.

    Where a folder has none for any of them, `warn` hears of it once. A store keeps counts, not findings: who receives
    only some severities, owners or tags gets no curves from it.
    """
    if not isinstance(folder, Path) or (folder / "store.json").is_file():
        return tuple(() if any(envelope.scope()) else earlier(folder, mine) for envelope, mine in portions)
    check_folder(folder)

    def seen(envelope: Envelope) -> Callable[[Result], Result]:
        return lambda run: portion(run, envelope)

    return _runs(folder, [(mine, seen(envelope)) for envelope, mine in portions], warn)


def _runs(
    folder: Path, wanted: Sequence[tuple[Result, Callable[[Result], Result]]], warn: Warn
) -> tuple[tuple[Past, ...], ...]:
    """Read every earlier result once, and return what it came to in each portion of it."""
    found: list[dict[float, Past]] = [{} for _ in wanted]
    for file in sorted(folder.rglob(FORMATS["json"].file)):
        with saved_results([file], None) as [(_, run)]:
            for runs, (result, seen) in zip(found, wanted, strict=True):
                if run.run.as_of < result.run.as_of:
                    mine = seen(run)
                    if {tenant.name for tenant in mine.tenants} == {tenant.name for tenant in result.tenants}:
                        runs[run.run.as_of.timestamp()] = _past(mine)
    if wanted and not any(found):
        message = f"there are no curves: no result.json below {folder} is of an earlier run of these tenants"
        warn(Diagnostic(slug="history-none", message=message, hint=_LEADS, level=Level.WARNING))
    return tuple(tuple(runs[moment] for moment in sorted(runs)) for runs in found)


def _past(run: Result) -> Past:
    return Past(as_of=run.run.as_of, open=run.summary.open, money=money(run), spare=spare_seats(run))
