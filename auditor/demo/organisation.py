"""Data types for a tenant of the demo: its users, groups and purchases in one of two snapshots."""

from collections.abc import Callable

from msgspec import Struct

from auditor.demo.people import Person
from auditor.demo.products import Purchase
from auditor.domain.enums import Agreement


class DemoGroup(Struct, frozen=True, kw_only=True):
    """A group, with or without a licence; its members are the users who list it in `groups` or in a licence."""

    name: str
    part: str | None = None
    nested: tuple[str, ...] = ()
    state: str = "ProcessingComplete"
    rule: str | None = None
    """The rule of a dynamic group."""
    paused: bool = False
    synced: bool = False
    """Whether it is synchronised from the on-premises directory."""


class Directory(Struct, frozen=True, kw_only=True):
    """All users, groups and purchases of a tenant in one snapshot."""

    people: tuple[Person, ...]
    groups: tuple[DemoGroup, ...]
    products: tuple[Purchase, ...]


class Organisation(Struct, frozen=True, kw_only=True):
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
    """Builds the directory: of the current snapshot if called with True, of the previous one with False."""
