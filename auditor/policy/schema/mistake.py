"""Defines a mistake in a document that does not fit its schema."""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from auditor.domain.message import Message

if TYPE_CHECKING:
    from auditor.policy.yaml.reader import Path

UNKNOWN: Final = ("unknown-key", "unknown-property")
KINDS: Final = (
    *UNKNOWN,
    "version",
    "wrong-type",
    "bad-value",
    "out-of-range",
    "empty",
    "missing-key",
    "no-constraint",
    "several-constraints",
    "structure",
)
"""Every slug without its prefix, by precedence: of two mistakes about one value, the earlier kind is reported."""


class Mistake(Struct, frozen=True, kw_only=True):
    """One mistake at a path of a document."""

    path: "Path"
    kind: str
    """The slug without its prefix."""
    message: Message
    hint: Message | None = None
    key: str | None = None
    """The key at the path that the mistake is about; None if it is about the value at the path."""
    meant: str | None = None
    """For an unknown key, the one that was probably meant."""
    needs: tuple[str, ...] = ()
    """The keys whose absence is the mistake."""
    nothing: Message | None = None
    """The message to use if no value is written."""

    @property
    def identity(self) -> object:
        """The key by which mistakes are deduplicated: one per value, and one per key of a mapping."""
        return (self.path, self.key, self.needs)

    @property
    def rank(self) -> int:
        """The precedence among mistakes about one value: the lowest is reported."""
        return KINDS.index(self.kind)
