"""Application permissions of Microsoft Graph, and which of them a token lacks or does not need."""

from typing import Final

from msgspec import Struct


class Permission(Struct, frozen=True, kw_only=True):
    """An application permission of Microsoft Graph."""

    name: str
    role_id: str
    """The id of its app role in the service principal of Microsoft Graph; equal in every tenant."""
    included_in: tuple[str, ...] = ()
    """Other permissions that include it."""


SEND_MAIL: Final = Permission(name="Mail.Send", role_id="b633e1c5-b582-4048-a93e-9f11b44c7e96")


def missing(required: tuple[Permission, ...], roles: tuple[str, ...]) -> tuple[Permission, ...]:
    """Return the required permissions that the roles of a token do not grant."""
    granted = set(roles)
    return tuple(item for item in required if not granted.intersection((item.name, *item.included_in)))


def excessive(required: tuple[Permission, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles of a token that are not required, including those that grant more than the least permission."""
    return tuple(sorted(set(roles) - {item.name for item in required}))
