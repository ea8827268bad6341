"""The file of a saved run into its Result."""

from pathlib import Path

from auditor.domain.errors import SnapshotError
from auditor.domain.result import Result
from auditor.history.saved import load


def saved_result(path: Path) -> Result:
    """Read a result.json; raises SnapshotError where it cannot be read, or is none."""
    try:
        return load(path.read_bytes(), where=str(path))
    except OSError as error:
        raise SnapshotError(
            "result-unreadable", f"{path} cannot be read: {error.strerror}", hint="name a result.json of an earlier run"
        ) from error
