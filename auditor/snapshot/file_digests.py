"""Bytes of a snapshot's files into what its manifest promises of them: rows, size and digest."""

import hashlib
import os

import pyarrow.parquet as pq

from auditor.files.output import write_fully
from auditor.snapshot.manifest import FileEntry


class TableFile:
    """A file being written whose digest is known when its last byte is."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False
        self.writer: pq.ParquetWriter | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Take some bytes, all of them."""
        rest = memoryview(data)
        self._digest.update(rest)
        self._size += rest.nbytes
        write_fully(self._number, rest)
        return self._size

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._size

    def close(self) -> None:
        """End the table; the file itself stays open until it is settled or released."""
        writer, self.writer = self.writer, None
        self.closed = True
        if writer is not None:
            writer.close()

    def settle(self) -> None:
        """Have the disk take every byte, and close the file."""
        os.fsync(self._number)
        self.release()

    def release(self) -> None:
        """Close the file if it is open."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def entry(self, rows: int) -> FileEntry:
        """Return what the manifest promises of the file."""
        return FileEntry(rows=rows, size=self._size, sha256=self._digest.hexdigest())


class HeldFile:
    """A file that is made in memory, and goes to the disk with all the others at the end."""

    def __init__(self, content: bytes | memoryview) -> None:
        self.content = content

    def entry(self, rows: int) -> FileEntry:
        """Return what the manifest promises of the file."""
        return FileEntry(rows=rows, size=len(self.content), sha256=hashlib.sha256(self.content).hexdigest())
