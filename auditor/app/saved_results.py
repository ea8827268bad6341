"""Reads saved results (result.json)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, TypeAlias

from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Count, Message, unreadable
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.files import input as files
from auditor.findings.spill import SpillFile, spill_file
from auditor.render import FORMATS
from auditor.result.codec.result_reader import Body, load

Located: TypeAlias = tuple[str, Finding]
"""A tenant's name, empty for the fleet, and a finding."""

_HINT: Final = Message("specify a result.json of an earlier run")


def saved_result(path: Path, *, spill: SpillFile | None = None, hint: Message = _HINT) -> Result:
    """Read a result.json; findings beyond the memory budget are kept in the `spill` file, if there is one.

    Raises SnapshotError if it is invalid or cannot be read; in the latter case with `hint`.
    """
    try:
        with _body(path) as body:
            return load(body, where=str(path), spill=spill)
    except OSError as error:
        raise SnapshotError("result-unreadable", unreadable(path, error), hint=hint) from error


@contextmanager
def _body(path: Path) -> Iterator[Body]:
    """Map a file into memory, so that only the requested bytes are read."""
    with files.opened(path, max_bytes=files.RESULT) as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        body = mmap(file.fileno(), 0, access=ACCESS_READ)
        try:
            yield body
        finally:
            with suppress(BufferError):  # the frames of an exception have views of it
                body.close()


@contextmanager
def saved_results(paths: Sequence[Path], output: Path | None) -> Iterator[list[tuple[str, Result]]]:
    """Read several result.json with their names; findings beyond the memory budget are kept on the disk of `output`.

    Raises SnapshotError as `saved_result` does, and DeliveryError if that disk is full; iterating over findings may
    raise DeliveryError too.
    """
    with spill_file(output) as spill:
        yield [(str(path), saved_result(path, spill=spill)) for path in paths]


def results_below(folder: Path) -> Iterator[Result | SnapshotError]:
    """Yield every result.json below a folder, sorted by path; a damaged one as its error, which ends no iteration."""
    for file in sorted(folder.rglob(FORMATS["json"].file)):
        try:
            with saved_results([file], None) as [(_, result)]:
                yield result
        except SnapshotError as error:
            yield error


def findings_with_tenants(result: Result) -> Iterator[Located]:
    """Yield every finding with the name of its tenant, empty for the fleet."""
    for tenant in result.tenants:
        yield from ((tenant.name, finding) for finding in tenant.findings)
    yield from (("", finding) for finding in result.fleet.findings)


def of_fingerprint(findings: Iterable[Located], digits: str) -> Located | None:
    """Return the finding whose fingerprint begins with `digits`. Raises UsageError if there are several."""
    matches = [item for item in findings if item[1].fingerprint.startswith(digits)]
    if len({finding.fingerprint for _, finding in matches}) > 1:
        raise UsageError(
            "usage",
            Message("{found} findings begin with '{mark}'", found=Count(len(matches)), mark=digits),
            hint=Message("write more of its digits"),
        )
    return matches[0] if matches else None
