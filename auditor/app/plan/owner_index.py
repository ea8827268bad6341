"""Defines owners.json: the index of the files of a plan for the owners of policies."""

from datetime import datetime
from typing import Final

from msgspec import Struct

INDEX: Final = "owners.json"
"""The name of the index, in the folder of owners."""
APPROVALS: Final = "approvals.csv"
PAGE: Final = "actions.html"


class OwnerFiles(Struct, frozen=True, kw_only=True):
    """The folder with approvals.csv and the page of one owner in one tenant."""

    owner: str
    """As in the policies, in lower case; empty for actions without an owner."""
    tenant: str
    tenant_id: str
    names: tuple[str, ...]
    """The names of the nested folders, relative to the folder of the index."""


class OwnerIndex(Struct, frozen=True, kw_only=True):
    """The index of the files of all owners."""

    as_of: datetime
    """The instant of the plan."""
    files: tuple[OwnerFiles, ...]
