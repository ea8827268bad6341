"""Backends: read, list and atomically create the objects of a store in a folder or an object store."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol, TypeVar

from auditor.domain.errors import AuditorError, DeliveryError, SnapshotError
from auditor.domain.message import Message, unreadable, unwritable
from auditor.files import input as input_files
from auditor.files.folder import Folder
from auditor.files.names import object_parts
from auditor.files.output import opened
from auditor.store.objects.service_errors import is_conflict, is_missing_object, unreachable

Returned = TypeVar("Returned")
_BATCH_SIZE: Final = 64
"""Objects per concurrent read."""
_AT_A_TIME: Final = 8
"""Objects that `bodies` holds in memory."""
_TEMPORARY: Final = re.compile(r"\.(?:store\.json|[0-9]{4}-[0-9]{2}-[0-9]{2}T|[0-9]{6,}[.-]|[0-9a-f]{16}\.json).*")
"""Hidden files that `create` writes before linking them: the name of an object after a dot."""


class Backend(Protocol):
    """Holds the objects of a store; a name is a relative path with slashes."""

    address: str

    def names(self, under: str) -> tuple[str, ...]:
        """Return the sorted names of all objects below the folder `under`."""

    def read(self, name: str) -> bytes | None:
        """Return an object; None if there is none."""

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return several objects, read concurrently if that is faster."""

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        """Return when each object below a folder was last written, by the backend's clock; None if unknown."""

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return the temporary files of killed writers, and when each was last written."""

    def create(self, name: str, body: bytes) -> bool:
        """Create an object atomically; returns False if the name is taken."""

    def replace(self, name: str, body: bytes) -> None:
        """Write an object atomically; one of this name is kept until the new one is complete."""

    def remove(self, name: str) -> None:
        """Delete an object; a missing object is not an error."""


def bodies(backend: Backend, names: Sequence[str]) -> Iterator[bytes | None]:
    """Yield objects in the order of their names, requested several at a time; memory holds no more than these."""
    for start in range(0, len(names), _AT_A_TIME):
        yield from backend.read_many(names[start : start + _AT_A_TIME])


class FolderBackend:
    """A backend in a folder of this machine or of a mounted share."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.address = str(root)

    def names(self, under: str) -> tuple[str, ...]:
        """Return the names below a folder, without hidden files, which are still being written."""
        return self._names(under, lambda name: not name.startswith("."))

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes."""
        try:
            return input_files.read(self.root / name, max_bytes=input_files.object_bytes(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            _unreadable(str(self.root / name), error)

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return files, read one after the other: local reads gain nothing from concurrency."""
        return [self.read(name) for name in names]

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        """Return the modification time of each file below a folder."""
        return self._modified(self.names(under))

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return the hidden files that `create` did not remove, with their modification times."""
        return self._modified(self._names("", lambda name: _TEMPORARY.fullmatch(name) is not None))

    def _names(self, under: str, is_listed: Callable[[str], bool]) -> tuple[str, ...]:
        names: list[str] = []
        try:
            for folder, folders, files in os.walk(self.root / under, onerror=_missing_is_empty):
                folders[:] = [name for name in folders if not name.startswith(".")]
                top = Path(folder).relative_to(self.root).as_posix()
                names += [f"{top}/{name}" if top != "." else name for name in files if is_listed(name)]
        except OSError as error:
            _unreadable(self.address, error)
        return tuple(sorted(names))

    def _modified(self, names: Iterable[str]) -> dict[str, datetime]:
        """Return the modification time of each file that still exists."""
        times = {}
        for name in names:
            try:
                times[name] = datetime.fromtimestamp((self.root / name).stat().st_mtime, UTC)
            except FileNotFoundError:
                continue
            except OSError as error:
                _unreadable(str(self.root / name), error)
        return times

    def create(self, name: str, body: bytes) -> bool:
        """Write a temporary file, then link it: linking fails if the name is taken; renaming would replace the file."""
        return self._written(name, body, _link)

    def replace(self, name: str, body: bytes) -> None:
        """Write a temporary file, then rename it."""
        self._written(name, body, lambda folder, temporary_name, last, _: folder.replace(temporary_name, last))

    def _written(self, name: str, body: bytes, publish: Callable[[Folder, str, str, bytes], Returned]) -> Returned:
        """Write a temporary file, and return what `publish` returns for it and the last part of the name."""
        *folders, last = object_parts(name)
        try:
            with Folder.open_or_create(self.root, *folders) as folder:
                descriptor, temporary_name = folder.temporary(last)
                try:
                    _write(descriptor, body)
                    return publish(folder, temporary_name, last, body)
                finally:
                    folder.remove(temporary_name)
        except OSError as error:
            _unwritable(str(self.root / name), error)

    def remove(self, name: str) -> None:
        """Delete a file, which may be a temporary one."""
        *folders, last = name.split("/")
        try:
            with Folder.open_existing(self.root, *folders) as folder:
                folder.remove(last)
        except FileNotFoundError:
            pass
        except OSError as error:
            _unwritable(str(self.root / name), error)


def _missing_is_empty(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _link(folder: Folder, temporary_name: str, name: str, body: bytes) -> bool:
    try:
        folder.link(temporary_name, name)
    except FileExistsError:
        return False
    except OSError:
        # A share without hard links: creating a file is still exclusive, and digests detect a truncated file.
        try:
            descriptor = folder.create(name)
        except FileExistsError:
            return False
        try:
            _write(descriptor, body)
        except BaseException:
            folder.remove(name)  # or the name would be taken by a truncated file
            raise
    return True


def _write(descriptor: int, body: bytes) -> None:
    """Write the bytes to disk, and close the file."""
    with opened(descriptor) as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


class ObjectStoreBackend:
    """A backend in a container of an object store, accessed through fsspec."""

    def __init__(self, filesystem: Any, root: str, address: str, cache: Path | None = None) -> None:
        """`cache` is a folder for copies of the objects of nights, whose names contain their digests."""
        self._fs = filesystem
        self._root = root.strip("/")
        self.address = address
        self._cache = (
            None if cache is None else FolderBackend(cache / hashlib.sha256(address.encode()).hexdigest()[:16])
        )

    def names(self, under: str) -> tuple[str, ...]:
        """Return the names below a folder, as the object store lists them now."""
        return tuple(self.modified_times(under))

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        """Return when each object below a folder was last modified, according to the object store."""

        def list_objects() -> Mapping[str, Mapping[str, Any]]:
            self._fs.invalidate_cache()
            try:
                entries = self._fs.find(self._path(under), detail=True)
            except FileNotFoundError:
                return {}
            return entries if isinstance(entries, dict) else {name: {} for name in entries}

        start = len(self._root) + 1
        times = {name.lstrip("/")[start:]: _modified_at(info) for name, info in self._request(list_objects).items()}
        return dict(sorted(times.items()))

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return nothing: an unfinished upload is not an object."""
        return {}

    def read(self, name: str) -> bytes | None:
        """Return an object's bytes, from the cache if it has an undamaged copy."""
        if self._cache is None or "/parts/" not in name:
            return self.read_many([name])[0]
        # Errors of the cache are ignored, for example if it is full or read-only.
        with suppress(AuditorError):
            cached = self._cache.read(name)
            if cached is not None and _has_digest_of(name, cached):
                return cached
        body = self.read_many([name])[0]
        if body is not None and _has_digest_of(name, body):
            with suppress(AuditorError):
                self._cache.remove(name)
                self._cache.create(name, body)
        return body

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return objects, with up to 64 concurrent requests."""
        results: dict[str, Any] = {}
        for start in range(0, len(names), _BATCH_SIZE):
            paths = [self._path(name) for name in names[start : start + _BATCH_SIZE]]
            results |= self._request(lambda paths=paths: self._fs.cat(paths, on_error="return"))  # type: ignore[misc]
        bodies: list[bytes | None] = []
        for name in names:
            body = results[self._path(name)]
            if isinstance(body, Exception) and not is_missing_object(body):
                unreachable(self.address, body)
            bodies.append(body if isinstance(body, bytes) else None)
        return bodies

    def create(self, name: str, body: bytes) -> bool:
        """Upload with `If-None-Match: *`: of two concurrent writers of a name, the service accepts only one."""
        object_parts(name)

        def upload() -> bool:
            try:
                self._fs.pipe_file(self._path(name), body, mode="create")
            except FileExistsError:
                return False
            except Exception as error:
                if is_conflict(error):
                    return False
                raise
            return True

        return self._request(upload)

    def replace(self, name: str, body: bytes) -> None:
        """Upload an object, which exists once all of it was received."""
        object_parts(name)
        self._request(lambda: self._fs.pipe_file(self._path(name), body))

    def remove(self, name: str) -> None:
        """Delete an object."""

        def delete() -> None:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(name))

        self._request(delete)
        if self._cache is not None:
            with suppress(AuditorError):
                self._cache.remove(name)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _request(self, request: Callable[[], Returned]) -> Returned:
        """Make a request, and convert exceptions of the service's library to SnapshotError."""
        try:
            return request()
        except SnapshotError:
            raise
        except Exception as error:  # noqa: BLE001 - azure, botocore and aiohttp have no common exception class
            unreachable(self.address, error)


def _has_digest_of(name: str, body: bytes) -> bool:
    """Return whether a name contains the digest of an object; names of earlier versions may not."""
    return hashlib.sha256(body).hexdigest()[:16] in name


def _modified_at(info: Mapping[str, Any]) -> datetime | None:
    """Return the time of the last modification, from the keys that s3fs, adlfs and fsspec use for it."""
    modified = info.get("LastModified") or info.get("last_modified") or info.get("created")
    if not isinstance(modified, datetime):
        return None
    return modified.replace(tzinfo=UTC) if modified.tzinfo is None else modified


def _unreadable(where: str, error: OSError) -> NoReturn:
    hint = Message("correct its permissions")
    raise SnapshotError("store-unreachable", unreadable(where, error), hint=hint) from error


def _unwritable(where: str, error: OSError) -> NoReturn:
    raise DeliveryError(
        "store-unwritable",
        unwritable(where, error),
        hint=Message("check its permissions and the free space; what was stored before is intact"),
    ) from error
