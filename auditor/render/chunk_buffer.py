"""A write-only file object: the bytes that a library writes to it can be taken out in chunks while it is writing."""

from typing import Any


class ChunkBuffer:
    """Collects written bytes until `pop` is called; reading and seeking are not supported."""

    closed = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: Any) -> int:
        """Append bytes and return their number."""
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is no other buffer."""

    def close(self) -> None:
        """Do nothing: `pop` still returns the bytes that were written."""

    def pop(self) -> bytes:
        """Return and remove the bytes that were written since the last call."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)
