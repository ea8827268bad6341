"""A folder of saved results into what earlier runs came to: the curves of the report."""

from pathlib import Path

from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.result import Result
from auditor.history.saved import load
from auditor.render import FORMATS
from auditor.render.past import Past
from auditor.render.totals import money


def earlier(folder: Path | str, result: Result) -> tuple[Past, ...]:
    """Return the runs before `result` whose result.json lies anywhere below a folder, oldest first.

    Runs over other tenants are passed over, of several at one instant the last by path counts. Raises UsageError
    (`history-missing`) where there is no such folder, SnapshotError for a file that cannot be read. A store, by folder
    or address, tells the runs that were put into it.
    """
    if not isinstance(folder, Path) or (folder / "store.json").is_file():
        from auditor.app.looking_back import stored_runs  # noqa: PLC0415  a folder of results needs none of it

        return stored_runs(folder, result)
    if not folder.is_dir():
        raise UsageError(
            "history-missing",
            f"there is no folder {folder}",
            hint="name the folder below which the result.json files of earlier runs lie",
        )
    there = {tenant.name for tenant in result.tenants}
    found: dict[float, Past] = {}
    for file in sorted(folder.rglob(FORMATS["json"].file)):
        run = _saved(file)
        if run.run.as_of < result.run.as_of and {tenant.name for tenant in run.tenants} == there:
            past = Past(as_of=run.run.as_of, open=run.summary.open, money=money(run))
            found[run.run.as_of.timestamp()] = past
    return tuple(found[moment] for moment in sorted(found))


def _saved(file: Path) -> Result:
    try:
        return load(file.read_bytes(), where=str(file))
    except OSError as error:
        raise SnapshotError(
            "result-unreadable", f"{file} cannot be read: {error.strerror}", hint="name a result.json of an earlier run"
        ) from error
