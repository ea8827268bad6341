"""Artifacts into files: each written beside its place and renamed, all of them or none."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from auditor.domain.errors import DeliveryError


def write_all(files: Iterable[tuple[Path, Iterable[bytes]]]) -> tuple[Path, ...]:
    """Write pieces of bytes to their paths; when one cannot be written, none appears and DeliveryError tells why."""
    partial: list[tuple[Path, Path]] = []
    try:
        for path, pieces in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.partial-{os.getpid()}")
            partial.append((beside, path))
            with beside.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
        for beside, path in partial:
            beside.replace(path)
    except OSError as error:
        _remove([beside for beside, _ in partial])
        where = error.filename or "a report"
        raise DeliveryError(
            "report-unwritable",
            f"{where} cannot be written: {error.strerror}",
            hint="choose another --output folder, or free what is in the way",
        ) from error
    except BaseException:
        _remove([beside for beside, _ in partial])
        raise
    return tuple(path for _, path in partial)


def _remove(paths: Sequence[Path]) -> None:
    """Take back what was begun; a piece that cannot be removed is left, so that the first mistake is the one told."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
