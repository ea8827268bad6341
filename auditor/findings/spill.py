"""Temporary storage of a run: one unnamed file for the Arrow record batches that exceed the memory budget."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa

from auditor.arrays.memory import release_arrow_memory
from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.files.temporary import anonymous_file

BUDGET: Final = 1 << 20
"""Maximum bytes of findings that a run keeps in memory, and of actions: those of some tenants of 500 people."""
_RELEASE_SIZE: Final = 64 << 20
"""Bytes of record batches after whose reading or writing freed memory is returned to the operating system.

The batches differ in size, so the heap cannot use all of it again and grows with the number of people. With 16 MiB, a
million people need 5 % less memory and 4 % more CPU.
"""
_CODEC: Final = "lz4_raw"
"""Compresses whole batches: Arrow's compression by column takes four times as long for some hundred rows."""


class SpilledBlock(NamedTuple):
    """The location of a record batch in the file."""

    offset: int
    size: int
    unpacked: int = 0
    """The size before compression."""


class MemoryBudget:
    """The number of bytes that may still be kept in memory."""

    def __init__(self, size: int) -> None:
        self._free = size

    def reserve(self, size: int) -> bool:
        """Take bytes from the budget; return False if it is not sufficient."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def release(self, size: int) -> None:
        """Return bytes to the budget."""
        self._free += size


class SpillFile:
    """The memory budgets of a run and its temporary file: one file descriptor, however many tenants there are.

    Not thread-safe.
    """

    def __init__(self, file: BinaryIO, *, budget: int = BUDGET) -> None:
        self._file = file
        self._end = 0
        self._last: tuple[SpilledBlock, Any] | None = None
        self._unreleased = 0
        self.findings = MemoryBudget(budget)
        self.actions = MemoryBudget(budget)

    def write(self, batch: pa.RecordBatch) -> SpilledBlock:
        """Append a record batch. Raises DeliveryError if the disk is full."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        data = sink.getvalue()
        block = self.append(pa.compress(data, _CODEC))._replace(unpacked=data.size)
        self._release(block)
        return block

    def append(self, data: pa.Buffer) -> SpilledBlock:
        """Append bytes. Raises DeliveryError if the disk is full."""
        block = SpilledBlock(self._end, data.size)
        try:
            self._file.seek(block.offset)
            self._file.write(data)
        except OSError as error:
            raise _failure(error) from error
        self._end += data.size
        return block

    def read(self, block: SpilledBlock) -> pa.RecordBatch:
        """Read a record batch. Raises DeliveryError if the file was truncated."""
        return self._cached(block, lambda data: _batch(pa.decompress(data, block.unpacked, _CODEC)))

    def _release(self, block: SpilledBlock) -> None:
        """Count a block that is read or written, and return freed memory to the operating system from time to time."""
        self._unreleased += block.unpacked
        if self._unreleased >= _RELEASE_SIZE:
            self._unreleased = 0
            release_arrow_memory()

    def write_value(self, value: object) -> SpilledBlock:
        """Append a pickled value. Raises DeliveryError if the disk is full."""
        return self.append(pa.py_buffer(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)))

    def read_value(self, block: SpilledBlock) -> Any:
        """Read a pickled value. Raises DeliveryError if the file was truncated."""
        # The file has no name, so no other process can write to it.
        return self._cached(block, pickle.loads)

    def _cached(self, block: SpilledBlock, load: Callable[[pa.Buffer], Any]) -> Any:
        """Return a loaded block; the last one is cached, because reports read the same one several times in a row."""
        if self._last is None or self._last[0] != block:
            self._release(block)
            self._last = block, load(self.content(block))
        return self._last[1]

    def content(self, block: SpilledBlock) -> pa.Buffer:
        """Read bytes. Raises DeliveryError if the file was truncated."""
        try:
            self._file.seek(block.offset)
            data = self._file.read(block.size)
        except OSError as error:
            raise _read_failure(str(error.strerror)) from error
        if len(data) != block.size:
            raise _read_failure("the temporary file was truncated")
        return pa.py_buffer(data)


class SpilledColumn:
    """A column of int32 or text without nulls in the spill file, which is read in slices."""

    def __init__(self, spill: SpillFile, column: pa.Array) -> None:
        """Write the column. Raises DeliveryError if the disk is full."""
        self._spill = spill
        self._type = column.type
        # A sliced column does not start at the beginning of its buffers: copy it.
        unsliced = column if not column.offset else pa.concat_arrays([column])
        self._blocks = [spill.append(buffer) for buffer in unsliced.buffers()[1:]]

    def slice(self, offset: int, length: int) -> pa.Array:
        """Read consecutive values. Raises DeliveryError if the file was truncated."""
        first, *data = self._blocks
        if not data:
            numbers = self._spill.content(SpilledBlock(first.offset + 4 * offset, 4 * length))
            return pa.Array.from_buffers(self._type, length, [None, numbers])
        block = SpilledBlock(first.offset + 4 * offset, 4 * length + 4)
        offsets = np.frombuffer(self._spill.content(block), dtype=np.int32)
        text = self._spill.content(SpilledBlock(data[0].offset + int(offsets[0]), int(offsets[-1] - offsets[0])))
        return pa.Array.from_buffers(self._type, length, [None, pa.py_buffer(offsets - offsets[0]), text])


@contextmanager
def spill_file(beside: Path | None) -> Iterator[SpillFile]:
    """Open the temporary storage of a run on the disk of `beside`; the file is created with its first batch."""
    with anonymous_file(beside) as file:
        yield SpillFile(file)


def _batch(data: pa.Buffer) -> pa.RecordBatch:
    return pa.ipc.open_stream(data).read_next_batch()


def _read_failure(reason: str) -> DeliveryError:
    return DeliveryError("report-unwritable", Message("temporary data cannot be read: {strerror}", strerror=reason))


def _failure(error: OSError) -> DeliveryError:
    return DeliveryError(
        "report-unwritable",
        Message("temporary data cannot be written: {strerror}", strerror=error.strerror),
        hint=Message("free disk space in the output folder; temporary data is kept there"),
    )
