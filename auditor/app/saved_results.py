"""Reads saved results."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, unreadable
from auditor.domain.result.model import Result
from auditor.files import input as files
from auditor.findings.spill import SpillFile, spill_file
from auditor.result.codec.result_reader import Body, load

_WHICH: Final = Message("specify a result.json of an earlier run")


def saved_result(path: Path, *, spill: SpillFile | None = None, hint: Message = _WHICH) -> Result:
    """Read a result.json; with a `spill` file findings beyond its memory budget are kept there.

    Raises SnapshotError where it cannot be read, with a hint which file is wanted, or is none.
    """
    try:
        with _body(path) as body:
            return load(body, where=str(path), spill=spill)
    except OSError as error:
        raise SnapshotError("result-unreadable", unreadable(path, error), hint=hint) from error


@contextmanager
def _body(path: Path) -> Iterator[Body]:
    """Open the bytes of a file, of which only those that are asked for are read."""
    with files.opened(path, most=files.RESULT) as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as body:
            yield body


@contextmanager
def saved_results(
    paths: Sequence[Path], beside: Path | None, *, hint: Message = _WHICH
) -> Iterator[tuple[list[tuple[str, Result]], SpillFile]]:
    """Read several result.json, each with its name; findings beyond the memory budget wait on the disk of `beside`.

    Raises SnapshotError as `saved_result`, and DeliveryError where that disk is full; so may every walk over findings.
    """
    with spill_file(beside) as spill:
        yield [(str(path), saved_result(path, spill=spill, hint=hint)) for path in paths], spill
