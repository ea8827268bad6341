"""Turns a tenant's users, listed or generated, into Graph-shaped documents by position and by identifier."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

COLLECTIONS = frozenset(
    {
        "assignedLicenses", "assignedPlans", "businessPhones", "identities", "imAddresses", "licenseAssignmentStates",
        "onPremisesProvisioningErrors", "otherMails", "provisionedPlans", "proxyAddresses", "serviceProvisioningErrors",
    }
)  # fmt: skip
OMITTED_WHEN_EMPTY = frozenset({"signInActivity"})
EXTENSION_ATTRIBUTES = {f"extensionAttribute{n}": None for n in range(1, 16)}


class People(Protocol):
    """The users of a tenant in listing order."""

    def __len__(self) -> int: ...
    def document(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """The named properties, in that order; empty ones as Graph sends them (null, empty list, or left out)."""
        ...

    def value(self, index: int, name: str) -> Any: ...
    def find(self, key: str) -> int | None:
        """The position of an id or a userPrincipalName, compared without regard to case."""
        ...

    def replace(self, index: int, changes: dict[str, Any]) -> None: ...
    def starting(self, name: str, prefix: str) -> Sequence[int] | None:
        """Positions whose property begins with the lower-case prefix, in order; None where no index is kept."""
        ...


def empty_value(name: str) -> Any:
    """What Graph sends for a property that nobody set."""
    if name in COLLECTIONS:
        return []
    return dict(EXTENSION_ATTRIBUTES) if name == "onPremisesExtensionAttributes" else None


def selected(read: Callable[[str], Any], names: Iterable[str]) -> dict[str, Any]:
    """A document of the named properties; `read` answers None for what is not set."""
    document: dict[str, Any] = {}
    for name in names:
        value = read(name)
        if value is None:
            if name in OMITTED_WHEN_EMPTY:
                continue
            value = empty_value(name)
        document[name] = value
    return document


class ListedPeople:
    """Users given as documents; each needs an `id` and a `userPrincipalName`."""

    def __init__(self, documents: Iterable[dict[str, Any]]) -> None:
        self._documents = list(documents)
        self._positions: dict[str, int] = {}
        for position, document in enumerate(self._documents):
            self._positions[str(document["id"]).lower()] = position
            self._positions.setdefault(str(document["userPrincipalName"]).lower(), position)

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        whole = self._documents[index]
        made = selected(whole.get, names)
        # A property written down as null or with a hostile shape goes out as it was written.
        made |= {name: whole[name] for name in made if name in whole}
        # Objects of a derived type say so in every answer.
        return {"@odata.type": whole["@odata.type"]} | made if "@odata.type" in whole else made

    def value(self, index: int, name: str) -> Any:
        value = self._documents[index].get(name)
        return empty_value(name) if value is None else value

    def find(self, key: str) -> int | None:
        return self._positions.get(key.lower())

    def replace(self, index: int, changes: dict[str, Any]) -> None:
        self._documents[index] = self._documents[index] | changes

    def starting(self, name: str, prefix: str) -> Sequence[int] | None:
        del name, prefix
        return None
