"""The files of saved runs into their Results."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


@contextmanager
def saved_results(paths: Sequence[Path], beside: Path | None) -> Iterator[list[tuple[str, Result]]]:
    """Read several result.json, each with its name; of several tenants findings wait on the disk of `beside`.

    Raises SnapshotError as `saved_result`, and DeliveryError where that disk is full; so may every walk over findings.
    """
    from auditor.app.flowing import scratch  # noqa: PLC0415  whoever reads one of one tenant does not wait for it
    from auditor.app.packing import packed_result  # noqa: PLC0415  likewise
    from auditor.engine.spilling import Scratch  # noqa: PLC0415  likewise

    with scratch(beside) as aside:
        file = Scratch(aside.file)
        found: list[tuple[str, Result]] = []
        for path in paths:
            result = saved_result(path)
            several = len(paths) + len(result.tenants) > 2
            found.append((str(path), packed_result(result, file) if several else result))
        yield found
