"""Checked plain values into policies: the walk from a document's nodes to the domain's values, each with its place."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from auditor.domain.errors import Diagnostic, Level, Span
from auditor.domain.message import Message
from auditor.policy.hints import Hints
from auditor.policy.yaml.reader import Document

Path = tuple[str | int, ...]

BROKEN: Final = object()
"""Stands in place of a part whose structure is wrong: it is passed over."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document together with its place."""

    document: Document
    path: Path
    value: Any

    def __getitem__(self, key: str | int) -> "Node":
        return Node(self.document, (*self.path, key), self.value[key])

    def items(self) -> Iterable[tuple[str, "Node"]]:
        """Walk the members of a mapping in order of writing."""
        return ((key, self[key]) for key in self.value if self.value[key] is not BROKEN)

    def each(self) -> Iterable["Node"]:
        """Walk the items of a list."""
        return (self[index] for index, item in enumerate(self.value) if item is not BROKEN)

    def has(self, key: str) -> bool:
        """Whether a mapping has the key."""
        return key in self.value

    def text(self, key: str) -> str:
        """Return a text member, or the empty string where it is not given."""
        return str(self.value.get(key) or "")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a member that is a list of texts; empty where it is not given."""
        return tuple(str(item) for item in self.value.get(key) or ())

    def span(self, *, key: bool = False) -> Span:
        """Where the value stands, or its key."""
        return self.document.span(self.path, key=key)


@dataclass(slots=True)
class Diagnostics:
    """Collects what is wrong with all files, so that everything is said in one go."""

    found: list[Diagnostic] = field(default_factory=list)
    hints: Hints = field(default_factory=Hints)

    def error(self, slug: str, message: Message, where: Node | Span, hint: Message | None = None) -> None:
        """Note a mistake that stops the program."""
        span = where.span() if isinstance(where, Node) else where
        self.found.append(Diagnostic(slug=slug, message=message, span=span, hint=hint))

    def warning(self, slug: str, message: Message, where: Node | Span, hint: Message | None = None) -> None:
        """Note something that works but hardly does what its author wants."""
        span = where.span() if isinstance(where, Node) else where
        self.found.append(Diagnostic(slug=slug, message=message, span=span, hint=hint, level=Level.WARNING))


def duration(node: Node) -> timedelta:
    """Read `90d`."""
    return timedelta(days=int(str(node.value)[:-1]))


def day(node: Node, diagnostics: Diagnostics) -> date:
    """Read a calendar date; one that the calendar does not have is noted and read as the first of all days."""
    try:
        return date.fromisoformat(str(node.value))
    except ValueError:
        diagnostics.error(
            "policy-bad-date",
            Message("'{value}' is not a date of the calendar", value=node.value),
            node,
            Message("write a date as 2027-01-31"),
        )
        return date.min


def moment(node: Node, diagnostics: Diagnostics) -> datetime | timedelta:
    """Read a date (midnight UTC), an RFC 3339 instant, or a duration before the audit's instant."""
    text = str(node.value)
    if text.endswith("d") and text[:-1].isdigit():
        return duration(node)
    return instant(text) or _bad_instant(node, diagnostics)


def instant(text: str) -> datetime | None:
    """Read a date (midnight UTC) or an RFC 3339 instant; None for anything else."""
    try:
        if len(text) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        found = datetime.fromisoformat(text.upper())
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _bad_instant(node: Node, diagnostics: Diagnostics) -> datetime:
    diagnostics.error(
        "policy-bad-date",
        Message("'{value}' is neither a date, an instant with its zone, nor a number of days", value=node.value),
        node,
        Message("write 2026-11-20, 2026-11-20T02:17:00Z or 30d"),
    )
    return datetime.min.replace(tzinfo=UTC)


def percentage(text: str) -> Fraction:
    """Read `5%` into 5, without rounding."""
    return Fraction(text.rstrip("%").strip())
