"""The guidance data model: articles on how to buy, assign, move, remove and cancel licences, with their variants."""

from collections.abc import Mapping
from datetime import date as Day  # noqa: N812 - structs below have a field named `date`
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from auditor.domain.enums import Agreement, Cloud


class Order(StrEnum):
    """What a step does, in the order of execution: seats are freed first, and deletions come last."""

    CHECK = "check"
    BACKUP = "backup"
    REASSIGN = "reassign"
    BUY = "buy"
    MOVE = "move"
    REMOVE = "remove"
    CANCEL = "cancel"

    @property
    def rank(self) -> int:
        """The position in the order; lower comes first."""
        return _RANKS[self]


_RANKS: Final = {order: rank for rank, order in enumerate(Order)}


class Dimension(StrEnum):
    """A fact on which a step, role or warning may depend; the name of the field of `Variant`."""

    CLOUD = "cloud"
    AGREEMENT = "agreement"
    PATH = "path"
    STATUS = "status"
    SIDE = "side"
    LEAVING = "leaving"
    MOVING = "moving"
    SYNCED = "synced"
    DISABLES = "disables"


When = Mapping[Dimension, tuple[str, ...] | bool]
"""The values under which a part of an article applies: all keys must match; an empty mapping always matches."""


class Conditional(Struct, frozen=True, kw_only=True):
    """A part of an article that may depend on facts of the tenant and on the day."""

    when: When = field(default_factory=dict)
    effective: Day | None = None
    """The first day on which it is valid."""
    until: Day | None = None
    """The first day on which it is no longer valid."""
    links: tuple[str, ...] = ()

    @property
    def criteria(self) -> Mapping[Dimension, tuple[str, ...]]:
        """The values by dimension, booleans as `true` and `false`."""
        return {
            dimension: (str(value).lower(),) if isinstance(value, bool) else value
            for dimension, value in self.when.items()
        }

    def applies(self, variant: "Variant") -> bool:
        """Return whether it may apply to a variant, regardless of the day."""
        return all(variant.value(dimension) in (None, *values) for dimension, values in self.criteria.items())

    def is_valid(self, day: Day) -> bool:
        """Return whether it is valid on a day."""
        return (self.effective is None or self.effective <= day) and (self.until is None or day < self.until)


class Note(Conditional, frozen=True, kw_only=True):
    """A prerequisite, a correction or the article to continue with, in a sentence or two."""

    id: str
    text: str
    article: str | None = None
    """The article that describes it in full."""


class Duty(Conditional, frozen=True, kw_only=True):
    """A role that the steps require, and what for."""

    role: str
    duty: str | None = None
    source: str | None = None
    """The document that requires this role; mandatory for Global Administrator."""


class ArticleStep(Note, frozen=True, kw_only=True):
    """One step."""

    order: Order
    manual: bool = False
    """Only a person can do it: there is no Graph request, or none should be sent."""
    irreversible: bool = False
    """Microsoft documents no way to undo it."""
    dated: str | None = None
    """The text if the date of the subscription's next stage is known; `{date}` becomes `before` or `by` and the day."""


class Warning(Note, frozen=True, kw_only=True):  # noqa: A001 - the term of Microsoft's pages and of result.json
    """What may be lost, and when."""

    loses: str
    after: str
    disputed: tuple[str, ...] = ()
    """Microsoft's documents that contradict each other here."""
    part: str = ""
    """`mail`, `files` or `phone` if it is about products with this part; empty if it is about all."""


class ArticleChange(Conditional, frozen=True, kw_only=True):
    """What an older version of Microsoft's article said, and what is valid now."""

    id: str
    date: str
    """The year, month or day since which `now` is valid, as precisely as it is known."""
    then: str
    now: str


class Edition(Struct, frozen=True, kw_only=True):
    """The steps of an older version of Microsoft's article, for a portal or cloud that no longer exists."""

    id: str
    title: str
    date: str
    clouds: tuple[Cloud, ...]
    steps: tuple[ArticleStep, ...]


class Article(Struct, frozen=True, kw_only=True):
    """One documented procedure, with all its variants."""

    id: str
    title: str
    summary: str
    order: Order
    checked: Day
    """When it was last checked against its sources."""
    sources: tuple[str, ...]
    documented: tuple[Cloud, ...]
    """The clouds for which Microsoft documents these steps; for other clouds they are inferred."""
    roles: tuple[Duty, ...]
    steps: tuple[ArticleStep, ...]
    prerequisites: tuple[Note, ...] = ()
    warnings: tuple[Warning, ...] = ()
    next: tuple[Note, ...] = ()
    history: tuple[ArticleChange, ...] = ()
    corrections: tuple[Note, ...] = ()
    """Errors of the published article or its translations that this text corrects."""
    editions: tuple[Edition, ...] = ()


class SourceDocument(Struct, frozen=True, kw_only=True):
    """A page of Microsoft on which an article is based."""

    id: str
    title: str
    url: str
    date: str | None = None
    """The date on the page; None if the version that was read has none."""
    source: str
    """Where its text was read: repository and path."""
    checked: Day
    """When it was last read."""


class Target(Struct, frozen=True, kw_only=True):
    """A page to open: in an admin center, or another site."""

    id: str
    label: str
    urls: Mapping[Cloud, str]
    checked: Day
    """When its address was last checked."""
    home: bool
    """Whether to link to the admin center's home page if the cloud has no direct link."""
    closed: str | None = None
    """When it was closed; a closed page is shown without a link."""


class Terms(Struct, frozen=True, kw_only=True):
    """Texts that all articles share, by id."""

    roles: Mapping[str, str]
    branches: Mapping[Dimension, Mapping[str, str]]
    """Label per dimension and value; several values are joined with `+` in the order of the schema."""
    notices: Mapping[str, str]
    homes: Mapping[Cloud, str]
    home_label: str


class Library(Struct, frozen=True, kw_only=True, eq=False):
    """All articles with their links and terms; compared by identity, so that it can be a cache key."""

    articles: Mapping[str, Article]
    titles: Mapping[str, str]
    """Article id → title."""
    main_sources: Mapping[str, SourceDocument]
    """Article id → the first of its sources."""
    documents: Mapping[str, SourceDocument]
    targets: Mapping[str, Target]
    terms: Terms


class Variant(Struct, frozen=True, kw_only=True):
    """The facts that select the variant of an article; for a fact that is None, every branch is included."""

    cloud: Cloud
    agreement: Agreement = Agreement.UNKNOWN
    path: str | None = None
    """`direct`, `group` or `both`."""
    status: str | None = None
    """A subscription's status as Graph names it: `Enabled`, `Warning`, `Suspended`, `LockedOut`, `Deleted`."""
    side: str | None = None
    """`source` for the tenant that gives up licences, `target` for the one that receives them."""
    leaving: bool | None = None
    """Whether the source tenant is to be closed."""
    moving: bool | None = None
    """Whether people move to the target tenant with the licences."""
    synced: bool | None = None
    """Whether the account comes from an on-premises directory."""
    disables: bool | None = None
    """Whether a service is turned off; False if one is turned on."""
    day: Day | None = None
    """The day of the audit, which selects between a text and its successor; None for the day of the last check."""

    def value(self, dimension: Dimension) -> str | None:
        """Return the value of a dimension; None if it is unknown or both values apply."""
        value = getattr(self, dimension)
        if value is None or value is Agreement.UNKNOWN or value == "both":
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)


CLOSED_CLOUDS: Final = MappingProxyType({Cloud.GERMANY: Day(2021, 10, 29)})
"""Closed clouds with their last day; their guidance is that of this day."""
