"""Generates tenants of any size from a seed; users are computed when a page needs them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, overload

from tests.emulator.tenant import products
from tests.emulator.tenant.directory import Group, Tenant, join_skus, organization, stable_id, state
from tests.emulator.tenant.people import empty_value, selected

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)  # all sign-ins are before it
CYCLE = 200  # licences repeat with this period, so that seats can be counted without computing every user
FIRST_NAMES = (
    "Ann", "Bram", "Chantal", "Daan", "Emine", "Freja", "Gijs", "Hülya", "İpek", "Jens", "Kaan", "Lotte", "Maja",
    "Niels", "Oya", "Pim", "Quinten", "Rasmus", "Søren", "Tuğba", "Ulla", "Vera", "Wout", "Xander", "Yasemin", "Zeynep",
    "Åsa", "Ellen", "Anders", "Sanne",
)  # fmt: skip
LAST_NAMES = (
    "de Vries",
    "Jansen",
    "Nielsen",
    "Yılmaz",  # noqa: RUF001
    "Öberg",
    "Kaya",
    "Sørensen",
    "Bakker",
    "Şahin",
    "Lund",
    "Visser",
)
HOSTILE_NAMES = {
    7: '=HYPERLINK("http://evil.example","click")', 8: "<script>alert(1)</script>", 9: "abc\u202etxt.exe",
    10: "::set-output name=x::y", 11: "line\r\nbreak | pipe `tick`",
}  # fmt: skip
DEPARTMENTS = ("Finance", "Sales", "Store", "Warehouse", "IT", "HR", "Legal")
COUNTRIES = (("NL", "Netherlands"), ("BE", "Belgium"), ("DK", "Denmark"), ("SE", "Sweden"), ("TR", "Türkiye"))
ASCII = str.maketrans("üİøğÅıÖŞşö ", "uIogAiOSso-")
GROUPS = {"LIC-E3": "SPE_E3", "LIC-E5": "SPE_E5", "LIC-F3": "SPE_F1"}
PRINCIPAL = re.compile(r"^[^@]*?\.(\d+)(?:_partner\.example#ext#)?@", re.IGNORECASE)


def holdings(slot: int) -> tuple[tuple[str, str | None], ...]:
    """Return (part number, group or None if direct) for each licence assignment of users in that slot of the cycle."""
    kind = slot % 20
    if slot == 3:
        return ()  # the group had no free E3 seat: no licence, one licenseAssignmentState in error
    if kind <= 6:
        return (("SPE_E3", "LIC-E3"),)
    if kind <= 8:
        return (("SPE_E5", "LIC-E5"),)
    if kind <= 12:
        return (("SPE_F1", "LIC-F3"),)
    rare: dict[int, tuple[tuple[str, str | None], ...]] = {
        13: (("SPE_E3", None), ("POWER_BI_PRO", None)),
        14: (("SPE_E3", None), ("SPE_E3", "LIC-E3")),
        15: (("SPE_E5", "LIC-E5"), ("ENTERPRISEPACK", None)),
        16: (("SPE_E3", None), ("VISIOCLIENT", None)),
        19: (("FLOW_FREE", None), ("POWER_BI_STANDARD", None)),
    }
    return rare.get(kind, ())


class UserIds(Sequence[str]):
    """The ids of the users at some positions, computed on access."""

    def __init__(self, people: "SeededPeople", positions: Sequence[int]) -> None:
        self._people = people
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "UserIds": ...
    def __getitem__(self, index: int | slice) -> "str | UserIds":
        if isinstance(index, slice):
            return UserIds(self._people, self._positions[index])
        return self._people.identifier(self._positions[index])

    def __iter__(self) -> Iterator[str]:
        return (self._people.identifier(position) for position in self._positions)


class SeededPeople:
    """`count` users, each computed from its position within microseconds; changes are stored separately."""

    def __init__(self, count: int, *, seed: int, domain: str, tenant_id: str) -> None:
        self._count = count
        self._seed = seed
        self._domain = domain
        self._changes: dict[int, dict[str, Any]] = {}
        self._licences = [_licences(slot, tenant_id) for slot in range(CYCLE)]
        self._readers: dict[str, Callable[[int], Any]] = {
            "id": self.identifier,
            "userPrincipalName": self.principal,
            "displayName": self._display_name,
            "mail": lambda i: None if i % 20 == 17 else self.principal(i),
            "givenName": self._first,
            "surname": self._last,
            "accountEnabled": lambda i: i % 20 not in {16, 18},
            "userType": lambda i: "Guest" if i % 20 == 17 else "Member",
            "externalUserState": lambda i: "Accepted" if i % 20 == 17 else None,
            "usageLocation": lambda i: None if i % 50 == 42 else COUNTRIES[i % 5][0],
            "country": lambda i: COUNTRIES[i % 5][1],
            "companyName": lambda _: "Contoso",
            "department": lambda i: None if i % 70 == 69 else DEPARTMENTS[i % 7],
            "employeeOrgData": lambda i: None if i % 7 == 6 else {"costCenter": f"CC-{i % 5}", "division": "Retail"},
            "jobTitle": lambda i: "Store assistant" if 9 <= i % 20 <= 12 else "Employee",
            "employeeType": lambda i: "Contractor" if i % 30 == 5 else "Employee",
            "officeLocation": lambda i: f"Building {i % 9}",
            "createdDateTime": lambda i: self._stamp(days=30 + i % 2000),
            "onPremisesSyncEnabled": lambda i: True if i % 3 == 0 else None,
            "assignedLicenses": lambda i: self._licences[i % CYCLE][0],
            "licenseAssignmentStates": lambda i: self._licences[i % CYCLE][1],
            "signInActivity": self._sign_in,
        }

    def __len__(self) -> int:
        return self._count

    def document(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        readers = self._readers
        changes = self._changes.get(index)

        def read(name: str) -> Any:
            if changes is not None and name in changes:
                return changes[name]
            reader = readers.get(name)
            return reader(index) if reader is not None else None

        return selected(read, names)

    def value(self, index: int, name: str) -> Any:
        changes = self._changes.get(index)
        if changes is not None and name in changes:
            return changes[name]
        reader = self._readers.get(name)
        value = reader(index) if reader is not None else None
        return empty_value(name) if value is None else value

    def find(self, key: str) -> int | None:
        match = PRINCIPAL.match(key)
        if match:
            position = int(match.group(1))
        elif len(key) == 36 and key.startswith(f"{self._seed:08x}-"):
            position = int(key[-12:], 16)
        else:
            return None
        exists = position < self._count and key.lower() in {self.identifier(position), self.principal(position).lower()}
        return position if exists else None

    def replace(self, index: int, changes: dict[str, Any]) -> None:
        self._changes[index] = self._changes.get(index, {}) | changes

    def identifier(self, index: int) -> str:
        return f"{self._seed:08x}-e5e5-4e5e-8e5e-{index:012x}"

    def principal(self, index: int) -> str:
        if index % 20 == 17:
            return f"{self._ascii(index)}.{index}_partner.example#EXT#@{self._domain}"
        prefix = "4" if index % 97 == 0 else ("_" if index % 101 == 0 else "")
        return f"{prefix}{self._ascii(index)}.{index}@{self._domain}"

    def _ascii(self, index: int) -> str:
        return f"{self._first(index)}.{self._last(index)}".translate(ASCII).lower()

    def _first(self, index: int) -> str:
        return FIRST_NAMES[(index * 7919 + self._seed) % len(FIRST_NAMES)]

    def _last(self, index: int) -> str:
        return LAST_NAMES[(index * 104729 + self._seed) % len(LAST_NAMES)]

    def _display_name(self, index: int) -> str:
        return HOSTILE_NAMES.get(index % 500) or f"{self._first(index)} {self._last(index)}"

    def _stamp(self, *, days: int) -> str:
        return (AS_OF - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _sign_in(self, index: int) -> dict[str, Any] | None:
        if index % 40 == 39 or index % 20 == 18:
            return None  # never signed in: the property is omitted
        days = 200 if index % 11 == 10 else index % 28
        request = f"{index:08x}-0000-4000-8000-000000000000"
        return {
            "lastSignInDateTime": self._stamp(days=days),
            "lastSignInRequestId": request,
            "lastNonInteractiveSignInDateTime": self._stamp(days=days + 1),
            "lastNonInteractiveSignInRequestId": request,
            "lastSuccessfulSignInDateTime": self._stamp(days=days),
            "lastSuccessfulSignInRequestId": request,
        }


def _group_id(tenant_id: str, name: str) -> str:
    return stable_id(tenant_id, "group", name)


def _licences(slot: int, tenant_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return assignedLicenses and licenseAssignmentStates of a slot of the cycle."""
    paths = holdings(slot)
    parts = dict.fromkeys(part for part, _ in paths)
    states = [state(products.sku_id(part), group=group and _group_id(tenant_id, group)) for part, group in paths]
    if slot == 3:
        states.append(state(products.sku_id("SPE_E3"), group=_group_id(tenant_id, "LIC-E3"), error="CountViolation"))
    return [{"skuId": products.sku_id(part), "disabledPlans": []} for part in parts], states


def _skus(count: int) -> list[dict[str, Any]]:
    """Return the SKUs with their consumed units, free seats in most, and one SKU of each unusual kind."""
    consumed: dict[str, int] = {}
    for slot in range(CYCLE):
        people = count // CYCLE + (slot < count % CYCLE)
        for part in {part for part, _ in holdings(slot)}:
            consumed[part] = consumed.get(part, 0) + people

    def sku(part: str, enabled: int, **more: Any) -> dict[str, Any]:
        return products.sku(part, enabled=enabled, consumedUnits=consumed.get(part, 0), **more)

    return [
        sku("SPE_E3", consumed.get("SPE_E3", 0)),
        sku("SPE_E5", consumed.get("SPE_E5", 0) * 11 // 10 + 3),
        sku("SPE_F1", consumed.get("SPE_F1", 0) * 103 // 100 + 1),
        sku("POWER_BI_PRO", max(consumed.get("POWER_BI_PRO", 0) - 2, 0)),
        sku("ENTERPRISEPACK", 0, warning=consumed.get("ENTERPRISEPACK", 0) + 5, capabilityStatus="Enabled"),
        sku("VISIOCLIENT", consumed.get("VISIOCLIENT", 0) + 20),
        sku("FLOW_FREE", 10000),
        sku("POWER_BI_STANDARD", 1000000),
        sku("MCOEV", 0, suspended=25),
        sku("SHAREPOINTSTORAGE", 2000),
        sku("WINDOWS_STORE", 0),
    ]


def _groups(people: SeededPeople, tenant_id: str, count: int) -> dict[str, Group]:
    """Return the licensing groups with their members, and one group without licences that contains a nested group."""
    groups: dict[str, Group] = {}
    for name, part in GROUPS.items():
        slots = [slot for slot in range(CYCLE) if any(group == name for _, group in holdings(slot))]
        error_slots = [3] if name == "LIC-E3" else []
        document = {
            "id": _group_id(tenant_id, name), "displayName": name, "securityEnabled": True, "mailEnabled": False,
            "groupTypes": [], "assignedLicenses": [{"skuId": products.sku_id(part), "disabledPlans": []}],
            "licenseProcessingState": {"state": "ProcessingComplete"},
        }  # fmt: skip
        groups[str(document["id"])] = Group(
            document=document,
            members=UserIds(people, _positions(sorted([*slots, *error_slots]), count)),
            members_with_errors=UserIds(people, _positions(error_slots, count)),
        )
    identifier = _group_id(tenant_id, "Project Sunrise")
    document = {
        "id": identifier,
        "displayName": "Project Sunrise",
        "securityEnabled": True,
        "mailEnabled": False,
        "groupTypes": [],
    }
    members = [people.identifier(position) for position in range(min(5, count))]
    groups[identifier] = Group(
        document=document, members=[*members, _group_id(tenant_id, "LIC-E5")], members_with_errors=()
    )
    return groups


def _positions(slots: Sequence[int], count: int) -> list[int]:
    return [start + slot for start in range(0, count, CYCLE) for slot in slots if start + slot < count]


def generate(count: int, *, name: str = "contoso", seed: int = 1, domain: str = "contoso.example") -> Tenant:
    """Return a tenant of `count` users; equal arguments give equal bytes."""
    identifier = stable_id(name, str(seed))
    people = SeededPeople(count, seed=seed, domain=domain, tenant_id=identifier)
    tenant = Tenant(
        tenant_id=identifier,
        name=name,
        people=people,
        domain=domain,
        organization=organization(identifier, name.title(), domain, "NL"),
        skus=_skus(count),
        groups=_groups(people, identifier, count),
    )
    join_skus(tenant)
    return tenant
