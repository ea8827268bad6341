"""The files of saved runs into their Results."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.result import Result
from auditor.files import input as files
from auditor.history.result_reader import Kept, load
from auditor.history.tenant_splitter import Body

_WHICH: Final = Message("name a result.json of an earlier run")


def saved_result(path: Path, *, kept: Kept | None = None, hint: str = _WHICH) -> Result:
    """Read a result.json; of several tenants each goes through `kept` before the next is read.

    Raises SnapshotError where it cannot be read, with a hint which file is wanted, or is none.
    """
    try:
        with _body(path) as body:
            return load(body, where=str(path), kept=kept)
    except OSError as error:
        raise SnapshotError(
            "result-unreadable",
            Message("{path} cannot be read: {strerror}", path=path, strerror=error.strerror or error),
            hint=hint,
        ) from error


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
    paths: Sequence[Path], beside: Path | None, *, hint: str = _WHICH
) -> Iterator[list[tuple[str, Result]]]:
    """Read several result.json, each with its name; of several tenants findings wait on the disk of `beside`.

    Raises SnapshotError as `saved_result`, and DeliveryError where that disk is full; so may every walk over findings.
    """
    from auditor.app.packing import packed  # noqa: PLC0415  likewise
    from auditor.engine.spilling import Scratch  # noqa: PLC0415  likewise
    from auditor.files.temporary import late_file  # noqa: PLC0415  whoever reads one of one tenant does not wait for it

    with late_file(beside) as opened:
        file = Scratch(opened)
        found: list[tuple[str, Result]] = []
        for path in paths:
            result = saved_result(path, kept=lambda tenant: packed(tenant, file), hint=hint)
            if len(paths) > 1 and len(result.tenants) == 1:
                result = replace(result, tenants=(packed(result.tenants[0], file),))
            found.append((str(path), result))
        yield found
