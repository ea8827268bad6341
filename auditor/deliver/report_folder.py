"""Artifacts into files: each written beside its place and renamed, all of them or none."""

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
class Below:
    """A file in folders below one that somebody named; none of them may be a link."""

    root: Path
    names: tuple[str, ...]
    """Folders from the root on, and the file."""


def write_all(files: Iterable[tuple[Path | Below, Pieces]], *, public: bool = False) -> tuple[Path, ...]:
    """Write pieces of bytes to their paths; when one cannot be written, none appears and DeliveryError tells why.

    A character device, a pipe or a stream of this program such as /dev/stdout gets its bytes straight; that is the last
    thing to be done before the files appear. A symbolic link is refused. `public`: the files hold no data of a tenant.
    """
    with ExitStack() as stack:
        batch = _Batch(stack, public=public)
        try:
            for place, pieces in files:
                batch.write(place, pieces)
            batch.publish()
            return tuple(batch.paths)
        except OSError as error:
            where = error.filename or Message("a report")
            raise DeliveryError(
                "report-unwritable",
                Message("{where} cannot be written: {strerror}", where=where, strerror=error.strerror),
                hint=Message("choose another --output folder, or free what is in the way"),
            ) from error
        finally:
            batch.discard()


@dataclass(slots=True)
class _Batch:
    """Files that appear together."""

    stack: ExitStack
    public: bool
    paths: list[Path] = field(default_factory=list)
    folders: dict[tuple[Path, tuple[str, ...]], Folder] = field(default_factory=dict)
    """Each folder is opened once, however many files go into it."""
    hidden: deque[tuple[Folder, str, str]] = field(default_factory=deque)
    """Files that were begun and have no name yet: their folder, the hidden name, the name."""
    straight: list[tuple[int, Path, Pieces]] = field(default_factory=list)

    def write(self, place: Path | Below, pieces: Pieces) -> None:
        """Write a file under a hidden name; what is written straight waits."""
        root, names, name = (
            (place.root, place.names[:-1], place.names[-1])
            if isinstance(place, Below)
            else (place.parent, (), place.name)
        )
        path = root.joinpath(*names, name)
        self.paths.append(path)
        number = stream(path)
        if number is None:
            folder = self.folder(root, names)
            number = folder.straight(name)
        if number is not None:
            self.stack.callback(os.close, number)
            self.straight.append((number, path, pieces))
            return
        number, beside = folder.temporary(name)
        self.hidden.append((folder, beside, name))
        _put(number, path, pieces)

    def folder(self, root: Path, names: tuple[str, ...]) -> Folder:
        """Return an open folder."""
        found = self.folders.get((root, names))
        if found is None:
            found = self.folders[root, names] = self.stack.enter_context(Folder.made(root, *names, public=self.public))
        return found

    def publish(self) -> None:
        """Write what is written straight, then give every file its name."""
        for number, path, pieces in self.straight:
            _put(os.dup(number), path, pieces)
        while self.hidden:
            folder, beside, name = self.hidden[0]
            folder.refuse_link(name)
            folder.replace(beside, name)
            self.hidden.popleft()

    def discard(self) -> None:
        """Take back what has no name; what cannot be removed is left, so that the first mistake is the one told."""
        for folder, beside, _ in self.hidden:
            with suppress(OSError):
                folder.remove(beside)


def _put(number: int, path: Path, pieces: Pieces) -> None:
    """Write pieces to a descriptor, and close it."""
    try:
        with opened(number) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error
