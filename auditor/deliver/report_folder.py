"""Writes artifacts to files: each to a temporary file that is renamed, all or none."""

import os
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.files.folder import Folder
from auditor.files.output import opened, stream

Pieces = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class ChildFile:
    """A file in folders below a given root; none of them may be a link."""

    root: Path
    names: tuple[str, ...]
    """Folders from the root on, and the file."""


def write_all(files: Iterable[tuple[Path | ChildFile, Pieces]], *, public: bool = False) -> tuple[Path, ...]:
    """Write pieces of bytes to their paths; if one cannot be written, none appears. Raises DeliveryError.

    Character devices, pipes and streams of this process such as /dev/stdout are written directly, just before the files
    appear. Symbolic links are refused. `public`: the files contain no data of a tenant.
    """
    with ExitStack() as stack:
        batch = _Batch(stack, public=public)
        try:
            for path, pieces in files:
                batch.write(path, pieces)
            batch.publish()
            return tuple(batch.paths)
        except OSError as error:
            where = error.filename or Message("a report")
            raise DeliveryError(
                "report-unwritable",
                Message("{where} cannot be written: {strerror}", where=where, strerror=error.strerror),
                hint=Message("choose another --output folder, or remove what is in the way"),
            ) from error
        finally:
            batch.discard()


@dataclass(slots=True)
class _Batch:
    """Files that are published together."""

    stack: ExitStack
    public: bool
    paths: list[Path] = field(default_factory=list)
    folders: dict[tuple[Path, tuple[str, ...]], Folder] = field(default_factory=dict)
    """Open folders; each is opened once."""
    hidden: deque[tuple[Folder, str, str]] = field(default_factory=deque)
    """Unpublished files: folder, temporary name, final name."""
    straight: list[tuple[int, Path, Pieces]] = field(default_factory=list)

    def write(self, target: Path | ChildFile, pieces: Pieces) -> None:
        """Write a temporary file; direct targets are deferred."""
        root, names, name = (
            (target.root, target.names[:-1], target.names[-1])
            if isinstance(target, ChildFile)
            else (target.parent, (), target.name)
        )
        path = root.joinpath(*names, name)
        self.paths.append(path)
        number = stream(path)
        if number is None:
            folder = self.folder(root, names)
            number = folder.direct_target(name)
        if number is not None:
            self.stack.callback(os.close, number)
            self.straight.append((number, path, pieces))
            return
        number, beside = folder.temporary(name)
        self.hidden.append((folder, beside, name))
        _put(number, path, pieces)

    def folder(self, root: Path, names: tuple[str, ...]) -> Folder:
        """Return an open folder."""
        folder_ = self.folders.get((root, names))
        if folder_ is None:
            folder_ = self.folders[root, names] = self.stack.enter_context(
                Folder.made(root, *names, public=self.public)
            )
        return folder_

    def publish(self) -> None:
        """Write the direct targets, then rename every file."""
        for number, path, pieces in self.straight:
            _put(os.dup(number), path, pieces)
        while self.hidden:
            folder, beside, name = self.hidden[0]
            folder.refuse_link(name)
            folder.replace(beside, name)
            self.hidden.popleft()

    def discard(self) -> None:
        """Remove temporary files; failures to do so are ignored, so that the first error is reported."""
        for folder, beside, _ in self.hidden:
            with suppress(OSError):
                folder.remove(beside)


def _put(number: int, path: Path, pieces: Pieces) -> None:
    """Write pieces to a file descriptor, and close it."""
    try:
        with opened(number) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error
