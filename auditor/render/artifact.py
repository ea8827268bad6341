"""Rendered bytes with the name and media type under which they leave the program."""

from collections.abc import Iterator

from msgspec import Struct


class Artifact(Struct, frozen=True, kw_only=True):
    """One file of a report; a body that is an iterator can be walked once."""

    name: str
    """The file's default name, without a folder."""
    media_type: str
    body: bytes | Iterator[bytes]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        match self.body:
            case bytes(whole):
                yield whole
            case pieces:
                yield from pieces
