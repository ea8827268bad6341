"""A write-only file object that collects what a library writes, to be handed on in chunks meanwhile."""

from typing import Any


class ChunkBuffer:
    """Collects written bytes until `pop`; it can be neither read nor positioned."""

    closed = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: Any) -> int:
        """Append bytes and return how many."""
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is buffered elsewhere."""

    def close(self) -> None:
        """Do nothing: what was written can still be returned."""

    def pop(self) -> bytes:
        """Return and remove what was written since the last call."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)
