"""Defines the list of the files that owners of policies get with a plan."""

from datetime import datetime
from typing import Final

from msgspec import Struct

INDEX: Final = "owners.json"
"""The list, in the folder of owners."""
APPROVALS: Final = "approvals.csv"
PAGE: Final = "actions.html"


class OwnerFiles(Struct, frozen=True, kw_only=True):
    """The folder with approvals.csv and the page of one owner in one tenant."""

    owner: str
    """As in the policies, in small letters; empty for actions that nobody owns."""
    tenant: str
    tenant_id: str
    names: tuple[str, ...]
    """The folders to go through, from that of the list on."""


class OwnerIndex(Struct, frozen=True, kw_only=True):
    """All of them."""

    as_of: datetime
    """The plan's instant."""
    files: tuple[OwnerFiles, ...]
