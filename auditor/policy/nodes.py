"""Nodes of checked documents: values with their source spans; parses durations, sizes, dates and percentages."""

from calendar import monthrange
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from msgspec import Struct, field

from auditor.domain.errors import Diagnostic, Level, Span
from auditor.domain.message import Message
from auditor.domain.similar_name import did_you_mean
from auditor.policy.yaml.reader import Document, Path

BROKEN: Final = object()
"""Placeholder of a part whose structure is wrong; readers skip it."""
_MAX_NAMES: Final = 1000
_UNITS: Final = ("kB", "MB", "GB", "TB")


class Node(Struct, frozen=True):
    """A value of a document with its source span."""

    document: Document
    path: Path
    value: Any

    def __getitem__(self, key: str | int) -> "Node":
        return Node(self.document, (*self.path, key), self.value[key])

    def items(self) -> Iterable[tuple[str, "Node"]]:
        """Return the members of a mapping in the order of the file."""
        return ((key, self[key]) for key in self.value if self.value[key] is not BROKEN)

    def each(self) -> Iterable["Node"]:
        """Return the items of a list."""
        return (self[index] for index, item in enumerate(self.value) if item is not BROKEN)

    def each_of(self, key: str) -> Iterable["Node"]:
        """Return the items of a list member; none if it is absent."""
        return self[key].each() if key in self.value else ()

    def one_or_each(self) -> tuple["Node", ...]:
        """Return the items of a list, or the node itself if it is no list."""
        return tuple(self.each()) if isinstance(self.value, list) else (self,)

    def has(self, key: str) -> bool:
        """Return whether a mapping has the key."""
        return key in self.value

    def text(self, key: str) -> str:
        """Return a text member; an empty text if it is absent."""
        return str(self.value.get(key) or "")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a member that is a list of texts; empty if it is absent."""
        return tuple(str(item) for item in self.value.get(key) or ())

    def span(self, *, key: bool = False) -> Span:
        """Return the span of the value, or of its key."""
        return self.document.span(self.path, key=key)


class Hints(Struct):
    """Suggests similar names for misspelt ones, up to a maximum number of misspelt names.

    Comparing two names is much slower than parsing them: a file full of misspelt names would otherwise take hours.
    """

    remaining: int = 50
    """Number of suggestions that may still be made."""

    def did_you_mean(self, word: str, names: Collection[str], otherwise: Message) -> Message:
        """Return a hint that suggests the most similar name; `otherwise` if there is none, or the budget is used up."""
        if self.remaining == 0 or len(names) > _MAX_NAMES:
            return otherwise
        self.remaining -= 1
        return did_you_mean(word, names) or otherwise


class Diagnostics(Struct):
    """Collects the diagnostics of all files, so that they are reported together."""

    items: list[Diagnostic] = field(default_factory=list)
    hints: Hints = field(default_factory=Hints)

    def error(self, slug: str, message: Message, where: Node | Span, hint: Message | None = None) -> None:
        """Record an error, which stops the program."""
        span = where.span() if isinstance(where, Node) else where
        self.items.append(Diagnostic(slug=slug, message=message, span=span, hint=hint))

    def warning(self, slug: str, message: Message, where: Node, hint: Message) -> None:
        """Record a warning, which a reviewer should check."""
        self.items.append(Diagnostic(slug=slug, message=message, span=where.span(), hint=hint, level=Level.WARNING))

    def duplicate(self, slug: str, message: Message, where: Node, first: Span) -> None:
        """Record a second definition of an id; `first` is the location of the first one."""
        hint = Message("the first is at {file}:{line}; give one of them another id", file=first.file, line=first.line)
        self.error(slug, message, where, hint)


def duration(node: Node) -> timedelta:
    """Return the duration of a text such as `90d`."""
    return timedelta(days=int(str(node.value)[:-1]))


def bytes_of(text: str) -> int:
    """Return a size such as `0.5TB` in bytes, rounded down; a kB has 1024 bytes, an MB 1024 kB, and so on."""
    return int(Fraction(text[:-2]) * 1024 ** (_UNITS.index(text[-2:]) + 1))


def day(node: Node, diagnostics: Diagnostics) -> date:
    """Return a calendar date; an impossible date is reported, and `date.min` is returned."""
    try:
        return date.fromisoformat(str(node.value))
    except ValueError:
        diagnostics.items.append(impossible_date(node.value, node.span()))
        return date.min


def impossible_date(value: object, span: Span) -> Diagnostic:
    """Return the diagnostic for a text that has the form of a date but is not in the calendar."""
    year, month = int(str(value)[:4]), int(str(value)[5:7])
    hint = Message("write a date as 2027-01-31")
    if year:
        hint = Message("{month} has {days} days", month=f"{year:04}-{month:02}", days=monthrange(year, month)[1])
    return Diagnostic(
        slug="policy-bad-date", message=Message("'{value}' is not a valid date", value=value), span=span, hint=hint
    )


def instant_or_duration(node: Node, diagnostics: Diagnostics) -> datetime | timedelta:
    """Return a date (midnight UTC), an RFC 3339 instant, or a duration before the audit's instant."""
    text = str(node.value)
    if text.endswith("d") and text[:-1].isdigit():
        return duration(node)
    parsed = instant(text)
    if parsed is None:
        diagnostics.error(
            "policy-bad-date",
            Message("'{value}' is not a date, an instant with a time zone, or a duration in days", value=node.value),
            node,
            Message("write 2026-11-20, 2026-11-20T02:17:00Z or 30d"),
        )
    return parsed or datetime.min.replace(tzinfo=UTC)


def instant(text: str) -> datetime | None:
    """Return a date (midnight UTC) or an RFC 3339 instant; None for any other text."""
    try:
        if len(text) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        parsed = datetime.fromisoformat(text.upper())
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def percentage(text: str) -> Fraction:
    """Return the exact number of a percentage: 5 for `5%`."""
    return Fraction(text.rstrip("%").strip())
