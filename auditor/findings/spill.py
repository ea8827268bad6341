"""Temporary storage of a run: Arrow record batches in one file without a name, beyond a budget of memory."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.files.temporary import late_file

BUDGET: Final = 32 << 20
"""Bytes of findings that a run keeps in memory."""
ACTIONS_BUDGET: Final = 12 << 20
"""Bytes of actions that it keeps beside them: those of some forty tenants, which one page shows."""
_CODEC: Final = "lz4_raw"
"""Arrow could compress each column instead, which takes four times as long for batches of some hundred rows."""


class Block(NamedTuple):
    """Where a record batch lies in the file."""

    offset: int
    size: int
    unpacked: int = 0
    """Its size before it was compressed."""


class MemoryBudget:
    """Bytes that may be kept in memory."""

    def __init__(self, size: int) -> None:
        self._free = size

    def reserve(self, size: int) -> bool:
        """Take bytes off the budget; False where it does not suffice."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def release(self, size: int) -> None:
        """Give bytes back to the budget."""
        self._free += size


class SpillFile:
    """The memory budgets of a run and its temporary file: one file descriptor, however many tenants there are.

    Not safe for use by several threads.
    """

    def __init__(self, file: BinaryIO, *, budget: int = BUDGET) -> None:
        self._file = file
        self._end = 0
        self._last: tuple[Block, Any] | None = None
        self.findings = MemoryBudget(budget)
        self.actions = MemoryBudget(min(budget, ACTIONS_BUDGET))

    def write(self, batch: pa.RecordBatch) -> Block:
        """Append a record batch. Raises DeliveryError where the disk is full."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        data = sink.getvalue()
        return self.append(pa.compress(data, _CODEC))._replace(unpacked=data.size)

    def append(self, data: pa.Buffer) -> Block:
        """Append bytes. Raises DeliveryError where the disk is full."""
        block = Block(self._end, data.size)
        try:
            self._file.seek(block.offset)
            self._file.write(data)
        except OSError as error:
            raise _failure(error) from error
        self._end += data.size
        return block

    def read(self, block: Block) -> pa.RecordBatch:
        """Read a record batch again. Raises DeliveryError where the file was cut."""
        data = pa.decompress(self.content(block), block.unpacked, _CODEC)
        return pa.ipc.open_stream(data).read_next_batch()

    def write_value(self, value: object) -> Block:
        """Append a value. Raises DeliveryError where the disk is full."""
        return self.append(pa.py_buffer(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)))

    def read_value(self, block: Block) -> Any:
        """Read a value again; the last one is kept, because a report reads one value several times in a row.

        Raises DeliveryError where the file was cut.
        """
        if self._last is None or self._last[0] != block:
            # Nobody else writes this file: it has no name.
            self._last = block, pickle.loads(self.content(block))  # noqa: S301
        return self._last[1]

    def content(self, block: Block) -> pa.Buffer:
        """Read bytes again. Raises DeliveryError where the file was cut."""
        try:
            self._file.seek(block.offset)
            data = self._file.read(block.size)
        except OSError as error:
            raise _failure(error) from error
        if len(data) != block.size:
            raise _failure(OSError(None, "the temporary file was truncated"))
        return pa.py_buffer(data)


class SpilledColumn:
    """A column of int32 or text without nulls in the spill file, of which slices are read."""

    def __init__(self, spill: SpillFile, column: pa.Array) -> None:
        """Write the column. Raises DeliveryError where the disk is full."""
        self._spill = spill
        self._type = column.type
        # Only a column that begins its buffers has its first value there.
        whole = column if not column.offset else pa.concat_arrays([column])
        self._blocks = [spill.append(buffer) for buffer in whole.buffers()[1:]]

    def slice(self, offset: int, length: int) -> pa.Array:
        """Read some consecutive values. Raises DeliveryError where the file was cut."""
        first, *data = self._blocks
        if not data:
            numbers = self._spill.content(Block(first.offset + 4 * offset, 4 * length))
            return pa.Array.from_buffers(self._type, length, [None, numbers])
        ends = np.frombuffer(self._spill.content(Block(first.offset + 4 * offset, 4 * length + 4)), dtype=np.int32)
        text = self._spill.content(Block(data[0].offset + int(ends[0]), int(ends[-1] - ends[0])))
        return pa.Array.from_buffers(self._type, length, [None, pa.py_buffer(ends - ends[0]), text])


@contextmanager
def spill_file(beside: Path | None, *, budget: int = BUDGET) -> Iterator[SpillFile]:
    """Open the temporary storage of a run on the disk of `beside`; the file comes to be with its first batch."""
    with late_file(beside) as file:
        yield SpillFile(file, budget=budget)


def _failure(error: OSError) -> DeliveryError:
    return DeliveryError(
        "report-unwritable",
        Message("temporary data cannot be written: {strerror}", strerror=error.strerror),
        hint=Message("free disk space in the output folder; temporary data is kept there"),
    )
