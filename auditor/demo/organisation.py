"""The values of a tenant of the demo: its users, groups and purchases in one of two snapshots."""

from collections.abc import Callable
from dataclasses import dataclass

from auditor.demo.people import Person
from auditor.demo.products import Purchase
from auditor.domain.enums import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group, with or without a licence; users name the groups they are in."""

    name: str
    part: str | None = None
    nested: tuple[str, ...] = ()
    state: str = "ProcessingComplete"
    rule: str | None = None
    """The rule of a dynamic group."""
    paused: bool = False
    synced: bool = False
    """Whether it comes from the directory on premises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All users, groups and purchases of a tenant in one snapshot."""

    people: tuple[Person, ...]
    groups: tuple[Group, ...]
    products: tuple[Purchase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A tenant of the demo."""

    name: str
    tenant_id: str
    display_name: str
    company: str
    domain: str
    country: str
    language: str
    agreement: Agreement
    directory: Callable[[bool], Directory]
    """Called with True for the current snapshot, and with False for the previous one."""
