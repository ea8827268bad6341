"""Records the usable answers of Graph on disk, so that an interrupted collection does not request them again."""

import hashlib
import mmap
import os
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow as pa
from msgspec import Struct

from auditor.files.folder import Folder
from auditor.files.output import opened
from auditor.graph.transport.body_file import KEY

if TYPE_CHECKING:
    import httpx

_SCHEMA: Final = pa.schema([("request", pa.binary(32)), ("body", pa.large_binary()), ("checksum", pa.uint32())])
"""One row per answer with status 200: the digest of the request, and the decompressed body with its CRC-32."""
_RECORDED: Final = "recorded"
"""The key in the extensions of responses that were recorded by an earlier process."""
_MAX_BUFFERED_BYTES: Final = 1 << 20
"""Bytes of answers that are kept in memory, and lost if the process is killed."""


class _Location(Struct, frozen=True):
    """Where a recorded answer is: in the record batch that begins at an offset of a file, in bytes."""

    path: Path
    offset: int
    row: int


class ResponseRecord:
    """The answers of Graph to the requests of one tenant; each recorded answer is returned once.

    Every process that records adds a file, `<name>-<number>.arrow`. A small collection, which is repeated quickly,
    writes none unless it is interrupted.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Read which answers earlier processes recorded. Raises OSError if the files cannot be read."""
        self._folder = folder
        self._name = name
        self._buffered: list[tuple[bytes, bytes | mmap.mmap]] = []
        self._size = 0
        self._file: BinaryIO | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._locations: defaultdict[bytes, deque[_Location]] = defaultdict(deque)
        self._latest: tuple[Path, int, pa.RecordBatch] | None = None
        """The record batch that was read last: requests are repeated in about the same order."""
        for path in self._paths():
            for offset, batch in _batches(path):
                for row, request in enumerate(batch["request"].to_pylist()):
                    self._locations[request].append(_Location(path, offset, row))
        self.has_answers = bool(self._locations)
        """Whether earlier processes recorded answers."""

    def take(self, request: "httpx.Request") -> memoryview | None:
        """Return the recorded answer to a request; None if there is none, or if it was taken before.

        It is mapped into memory, not read, because it may be a large report.
        """
        if not self.has_answers:
            return None
        locations = self._locations.get(_digest(request))
        if not locations:
            return None
        location = locations.popleft()
        return memoryview(self._batch(location.path, location.offset)["body"][location.row].as_buffer())

    def take_response(self, request: "httpx.Request") -> "httpx.Response | None":
        """Return the recorded answer to a request as a response; None as `take`."""
        import httpx  # noqa: PLC0415 - only collection needs it

        body = self.take(request)
        if body is None:
            return None
        return httpx.Response(200, content=bytes(body), request=request, extensions={_RECORDED: True})

    def add_response(self, response: "httpx.Response") -> None:
        """Record a response with status 200, unless it was recorded before or its body went to a file."""
        if (
            response.status_code == 200
            and _RECORDED not in response.extensions
            and KEY not in response.request.extensions
        ):
            self.add(response.request, response.content)

    def add(self, request: "httpx.Request", body: bytes | mmap.mmap) -> None:
        """Record the answer to a request."""
        self._buffered.append((_digest(request), body))
        self._size += len(body)
        if self._size >= _MAX_BUFFERED_BYTES:
            self._write()

    def add_file(self, request: "httpx.Request", file: BinaryIO) -> None:
        """Record the answer to a request from a file; a large one is copied without being read into memory."""
        if file.seek(0, os.SEEK_END) < _MAX_BUFFERED_BYTES:
            file.seek(0)
            self.add(request, file.read())
            return
        file.flush()
        if self._buffered:
            self._write()
        self.add(request, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def close(self) -> None:
        """Write the answers that are still in memory."""
        if self._buffered:
            self._write()
        self._close_file()

    def discard(self) -> None:
        """Delete the files."""
        self._buffered = []
        self._latest = None  # Windows does not delete a file that is mapped into memory
        self._close_file()
        for path in self._paths():
            path.unlink()

    def _paths(self) -> list[Path]:
        return sorted(
            path
            for path in self._folder.iterdir()
            if path.stem.rpartition("-")[0] == self._name and path.is_file() and not path.is_symlink()
        )

    def _write(self) -> None:
        requests, bodies = zip(*self._buffered, strict=True)
        self._buffered, self._size = [], 0
        if self._file is None or self._writer is None:
            with Folder.open_existing(self._folder) as folder:
                self._file = opened(folder.create(f"{self._name}-{len(self._paths()):04}.arrow"))
            # Not compressed: that would take a tenth of the CPU time of a collection of users.
            self._writer = pa.ipc.new_stream(self._file, _SCHEMA)
        # `pa.array` would copy each body several times.
        offsets = pa.array(accumulate(map(len, bodies), initial=0), pa.int64())
        joined = pa.py_buffer(bodies[0] if len(bodies) == 1 else b"".join(bodies))
        columns = [
            pa.array(requests, _SCHEMA.field("request").type),
            pa.Array.from_buffers(pa.large_binary(), len(bodies), [None, offsets.buffers()[1], joined]),
            pa.array(map(zlib.crc32, bodies), pa.uint32()),
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        self._file.flush()

    def _close_file(self) -> None:
        if self._file is not None and self._writer is not None:
            self._writer.close()
            self._file.close()
        self._file = self._writer = None

    def _batch(self, path: Path, offset: int) -> pa.RecordBatch:
        if self._latest is None or self._latest[:2] != (path, offset):
            with _mapped(path) as source:
                source.seek(offset)
                self._latest = path, offset, pa.ipc.read_record_batch(pa.ipc.read_message(source), _SCHEMA)
        return self._latest[2]


def _mapped(path: Path) -> pa.BufferReader:
    """Map a file into memory for reading. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        is_empty = os.fstat(file.fileno()).st_size == 0
        return pa.BufferReader(b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _batches(path: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the offset and the rows of each record batch, up to the first that is cut off or damaged."""
    with _mapped(path) as source, suppress(pa.ArrowException, OSError, EOFError, ValueError):
        pa.ipc.read_message(source)  # the schema
        while True:
            offset = source.tell()
            batch = pa.ipc.read_record_batch(pa.ipc.read_message(source), _SCHEMA)
            batch.validate(full=True)
            if [zlib.crc32(body.as_buffer()) for body in batch["body"]] != batch["checksum"].to_pylist():
                return
            yield offset, batch


def _digest(request: "httpx.Request") -> bytes:
    """Return the digest of a request's method, address and body."""
    return hashlib.sha256(b"\0".join((request.method.encode(), str(request.url).encode(), request.content))).digest()
