"""The files of a snapshot while it is written, with their sizes and digests for the manifest."""

import hashlib
import os

import pyarrow.parquet as pq

from auditor.files.output import write_fully
from auditor.snapshot.manifest import FileEntry


class TableFile:
    """A file on disk whose digest is computed while it is written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.digest = hashlib.sha256()
        self._size = 0
        self.closed = False
        self.writer: pq.ParquetWriter | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`."""
        remaining = memoryview(data)
        self.digest.update(remaining)
        self._size += remaining.nbytes
        write_fully(self._descriptor, remaining)
        return self._size

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._size

    def close(self) -> None:
        """Finish the table; the file itself stays open until `sync` or `release`."""
        writer, self.writer = self.writer, None
        self.closed = True
        if writer is not None:
            writer.close()

    def sync(self) -> None:
        """Flush the file to disk, and close it."""
        os.fsync(self._descriptor)
        self.release()

    def release(self) -> None:
        """Close the file if it is open."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def entry_of(file: TableFile | bytes | memoryview, rows: int) -> FileEntry:
    """Return the entry of a file, or of the content of one that is still in memory, in the manifest."""
    if isinstance(file, TableFile):
        return FileEntry(rows=rows, size=file.tell(), sha256=file.digest.hexdigest())
    return FileEntry(rows=rows, size=len(file), sha256=hashlib.sha256(file).hexdigest())
