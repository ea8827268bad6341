"""Rendered output with its file name and media type."""

from collections.abc import Iterator

from msgspec import Struct


class Artifact(Struct, frozen=True, kw_only=True):
    """One file of a report; a body that is an iterator can be consumed only once."""

    name: str
    """The file's default name, without a folder."""
    media_type: str
    body: bytes | Iterator[bytes]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        match self.body:
            case bytes(content):
                yield content
            case pieces:
                yield from pieces
