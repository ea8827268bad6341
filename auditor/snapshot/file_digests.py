"""The files of a snapshot while they are written: content, and size and digest for the manifest."""

import hashlib
import os

import pyarrow.parquet as pq

from auditor.files.output import write_fully
from auditor.snapshot.manifest import FileEntry


class TableFile:
    """A file that is digested while it is written."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False
        self.writer: pq.ParquetWriter | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`."""
        remaining = memoryview(data)
        self._digest.update(remaining)
        self._size += remaining.nbytes
        write_fully(self._number, remaining)
        return self._size

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size

    def close(self) -> None:
        """End the table; the file itself stays open until `sync` or `release`."""
        writer, self.writer = self.writer, None
        self.closed = True
        if writer is not None:
            writer.close()

    def sync(self) -> None:
        """Write the file through to the disk, and close it."""
        os.fsync(self._number)
        self.release()

    def release(self) -> None:
        """Close the file if it is open."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def entry(self, rows: int) -> FileEntry:
        """Return the manifest's entry of the file."""
        return FileEntry(rows=rows, size=self._size, sha256=self._digest.hexdigest())


class MemoryFile:
    """A file that is kept in memory and written to disk with all others at the end."""

    def __init__(self, content: bytes | memoryview) -> None:
        self.content = content

    def entry(self, rows: int) -> FileEntry:
        """Return the manifest's entry of the file."""
        return FileEntry(rows=rows, size=len(self.content), sha256=hashlib.sha256(self.content).hexdigest())
