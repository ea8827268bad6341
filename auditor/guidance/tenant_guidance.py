"""The guidance for one tenant: the values that `compose` returns."""

from datetime import date as Day  # noqa: N812 - structs below have a field named `date`
from itertools import takewhile

from msgspec import Struct

from auditor.guidance.model import ArticleChange, Order, SourceDocument


class Hyperlink(Struct, frozen=True, kw_only=True):
    """A label and its address; None if the page is closed or the cloud has none."""

    label: str
    url: str | None


class Passage(Struct, frozen=True, kw_only=True):
    """A prerequisite, a next step or a correction, with the branches to which it belongs."""

    id: str
    text: str
    branches: tuple[str, ...] = ()
    """English labels of the branches; empty if the passage certainly applies."""
    links: tuple[Hyperlink, ...] = ()
    article: str | None = None


class NumberedStep(Passage, frozen=True, kw_only=True):
    """One step, numbered from 1."""

    number: int
    order: Order
    irreversible: bool
    dated: str | None = None
    """The text if the date is known; `{date}` becomes `before` or `by` and the day."""


class Caution(Passage, frozen=True, kw_only=True):
    """What may be lost, and when."""

    loses: str
    after: str
    part: str
    """The part of products that it is about, as in `Warning`."""


class RoleNeeded(Struct, frozen=True, kw_only=True):
    """The least privileged documented role, and what it is needed for."""

    name: str
    duty: str | None
    branches: tuple[str, ...]


class PastSteps(Struct, frozen=True, kw_only=True):
    """The steps of an older version, labelled with its date."""

    title: str
    date: str
    steps: tuple[NumberedStep, ...]


class Composed(Struct, frozen=True, kw_only=True):
    """One article for one cloud, agreement and path."""

    title: str
    summary: str
    checked: Day
    """The oldest day on which the article, or a page it is based on, was last checked."""
    notices: tuple[str, ...]
    prerequisites: tuple[Passage, ...]
    roles: tuple[RoleNeeded, ...]
    steps: tuple[NumberedStep, ...]
    warnings: tuple[Caution, ...]
    next: tuple[Passage, ...]
    links: tuple[Hyperlink, ...]
    """Every link of the parts above, once, in order of appearance."""
    sources: tuple[SourceDocument, ...]
    """With addresses for the cloud."""
    history: tuple[ArticleChange, ...]
    corrections: tuple[Passage, ...]
    editions: tuple[PastSteps, ...]

    @property
    def alternatives(self) -> tuple[RoleNeeded, ...]:
        """The role of the main task, or all of them if the agreement decides and is unknown."""
        return tuple(takewhile(lambda role: role.branches, self.roles)) or self.roles[:1]
