"""The tenants of the demo: their files, and their users, groups and purchases in one of two snapshots."""

import random
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from auditor import resources
from auditor.demo.names import Namer, ascii_address
from auditor.demo.people import Person
from auditor.demo.population import Department, people_of_departments
from auditor.demo.products import Purchase
from auditor.domain.enums import Agreement
from auditor.policy.yaml.reader import parse

_FILES = ("contoso.yaml", "fabrikam.yaml")


class DemoGroup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class DemoRole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory role of the first enabled employee with a job title."""

    title: str
    role: str
    eligible: bool = False
    """Whether the role has to be activated."""


class Directory(Struct, frozen=True, kw_only=True):
    """All users and groups of a tenant in one snapshot."""

    people: tuple[Person, ...]
    groups: tuple[DemoGroup, ...]


class Organisation(Struct, frozen=True, kw_only=True, eq=False):
    """A tenant of the demo, as its file describes it."""

    name: str
    tenant_id: str
    display_name: str
    company: str
    domain: str
    country: str
    language: str
    agreement: Agreement
    seed: int
    origins: Mapping[str, int]
    """Culture → the weight of its names among the generated users."""
    departments: tuple[Department, ...]
    accounts: tuple[Mapping[str, Any], ...]
    """Lists of individual accounts, each with the properties that they share."""
    groups: tuple[Mapping[str, Any], ...]
    products: tuple[Purchase, ...]
    roles: tuple[DemoRole, ...] = ()
    risk_based: frozenset[str] = frozenset()
    """The departments to which the risk-based policy applies."""

    def directory(self, *, current: bool) -> Directory:
        """Return the directory of the current snapshot or of the previous one."""
        individuals = msgspec.convert(list(_accounts(self.accounts, current=current)), tuple[Person, ...])
        source = random.Random(self.seed)  # noqa: S311  sample data, not secrets
        namer = Namer(source, self.origins, frozenset(person.address for person in individuals))
        return Directory(
            people=(*people_of_departments(self.departments, namer, source), *individuals),
            groups=msgspec.convert(_of_snapshot(self.groups, current=current), tuple[DemoGroup, ...]),
        )


@cache
def organisations() -> tuple[Organisation, ...]:
    """Return the tenants of the demo."""
    files = (parse(resources.demo_text(name), file=name) for name in _FILES)
    return tuple(msgspec.convert(file.value, Organisation) for file in files)


def _accounts(lists: Iterable[Mapping[str, Any]], *, current: bool) -> Iterator[Mapping[str, Any]]:
    """Yield the properties of each account; `place` has several, and of `copies` each has a number."""
    for accounts in lists:
        for entry in _of_snapshot(accounts["accounts"], current=current):
            account = {"address": ascii_address(entry["name"]), **accounts.get("common", {}), **entry}
            account |= account.pop("place", {})
            for copy in range(1, account.pop("copies", 1) + 1):
                texts = {key: account[key].replace("{copy}", str(copy)) for key in ("name", "address")}
                yield {**account, **texts}


def _of_snapshot(entries: Iterable[Mapping[str, Any]], *, current: bool) -> list[dict[str, Any]]:
    """Return the entries of the current snapshot or of the previous one; most are in both."""
    of_snapshot = (dict(entry) for entry in entries)
    return [entry for entry in of_snapshot if entry.pop("current", current) is current]
