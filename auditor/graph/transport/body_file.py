"""Writes the body of a successful answer to a file, so that a large body is never in memory."""

import os
from typing import BinaryIO, Final

from msgspec import Struct

from auditor.domain.message import Count, Message
from auditor.graph.errors import REMEDIES, FaultKind, fault_error

KEY: Final = "body_file"
"""The key of a BodyFile in the extensions of an httpx request, and among the options of a request of the SDK."""


class BodyFile(Struct, frozen=True, kw_only=True):
    """A file for the decompressed body of an answer with status 200; other bodies stay in memory."""

    file: BinaryIO
    limit: int
    """Size limit of the body in bytes, as sent and after decompression."""
    name: str
    """The name of the request in messages."""

    @staticmethod
    def get_key() -> str:
        """Return the key of the SDK's options."""
        return KEY

    def begin(self, length: int | None) -> None:
        """Empty the file for a body of `length` bytes as sent, None if unknown. Raises FaultError above the limit."""
        self.file.seek(0)
        os.ftruncate(self.file.fileno(), 0)
        self._check(length or 0)

    def write(self, part: bytes | memoryview) -> None:
        """Append a part of the body. Raises FaultError above the limit."""
        self._check(self.file.tell() + len(part))
        self.file.write(part)

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise fault_error(
                FaultKind.NOT_GRAPH,
                Message("{asked} is larger than {limit} bytes", asked=self.name, limit=Count(self.limit)),
                remedy=REMEDIES[FaultKind.FOREIGN],
            )
