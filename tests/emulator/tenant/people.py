"""The users of a tenant, listed or generated, as documents in Graph's form, by position and by identifier."""

from collections.abc import Callable, Iterable
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
    """The users of a tenant, in the order in which Graph lists them."""

    def __len__(self) -> int: ...
    def document(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        """Return the named properties, in that order; empty ones as Graph sends them (null, empty list, or omitted)."""
        ...

    def value(self, index: int, name: str) -> Any: ...
    def find(self, key: str) -> int | None:
        """Return the position of an id or a userPrincipalName, ignoring letter case."""
        ...

    def replace(self, index: int, changes: dict[str, Any]) -> None: ...


def empty_value(name: str) -> Any:
    """Return the value that Graph sends for a property that is not set."""
    if name in COLLECTIONS:
        return []
    return dict(EXTENSION_ATTRIBUTES) if name == "onPremisesExtensionAttributes" else None


def selected(read: Callable[[str], Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a document of the named properties; `read` returns None for a property that is not set."""
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
    """Users from documents; each needs an `id` and a `userPrincipalName`."""

    def __init__(self, documents: Iterable[dict[str, Any]]) -> None:
        self._documents = list(documents)
        self._positions: dict[str, int] = {}
        for position, document in enumerate(self._documents):
            self._positions[str(document["id"]).lower()] = position
            self._positions.setdefault(str(document["userPrincipalName"]).lower(), position)

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, index: int, names: Iterable[str]) -> dict[str, Any]:
        source = self._documents[index]
        properties = selected(source.get, names)
        # A property that the document has is sent unchanged, also if it is null or malformed.
        properties |= {name: source[name] for name in properties if name in source}
        # Objects of a derived type have @odata.type in every answer.
        return {"@odata.type": source["@odata.type"]} | properties if "@odata.type" in source else properties

    def value(self, index: int, name: str) -> Any:
        value = self._documents[index].get(name)
        return empty_value(name) if value is None else value

    def find(self, key: str) -> int | None:
        return self._positions.get(key.lower())

    def replace(self, index: int, changes: dict[str, Any]) -> None:
        self._documents[index] = self._documents[index] | changes
