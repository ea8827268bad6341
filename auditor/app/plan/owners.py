"""Writes the part of a plan that each owner of policies decides about: approvals.csv and an HTML page."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.policy_files import free_id
from auditor.deliver.report_folder import ChildFile
from auditor.files.names import is_device, tenant_name
from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.render.plan.approvals import approvals_csv
from auditor.render.plan.owner_page import owner_page
from auditor.result.codec.encoder import document, members

INDEX: Final = "owners.json"
"""The name of the index, in the folder of owners."""
APPROVALS: Final = "approvals.csv"
PAGE: Final = "actions.html"
FOLDER: Final = "owners"
NOBODY: Final = "no-owner"
"""The folder of actions whose policies have no owner."""
_UNSAFE: Final = re.compile(r"[^a-z0-9@._+-]+")
_MAX_LENGTH: Final = 100


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


def owner_documents(root: Path, plan: FleetPlan, l10n: Localization) -> Iterator[tuple[ChildFile, bytes]]:
    """Yield approvals.csv and actions.html for each owner and tenant with actions of the owner, below `root/owners/`.

    An action of several owners is in the files of each. Actions without an owner, and questions without an action, are
    in `no-owner`. If there are several tenants, each has a folder. `owners.json` is the index of all files.
    """
    numbers = {tenant.name: owned_actions(tenant) for tenant in plan.tenants}
    owners = dict.fromkeys(owner for tenant_numbers in numbers.values() for owner in tenant_numbers)
    folders = _folders(owners)
    index_entries: list[OwnerFiles] = []
    for owner in owners:
        for tenant in plan.tenants:
            tenant_numbers = numbers[tenant.name].get(owner)
            if not tenant_numbers:
                continue
            names = (folders[owner], *((tenant_name(tenant.name),) if len(plan.tenants) > 1 else ()))
            index_entries.append(OwnerFiles(owner=owner, tenant=tenant.name, tenant_id=tenant.tenant_id, names=names))
            yield ChildFile(root, (FOLDER, *names, APPROVALS)), approvals_csv(tenant, l10n, tenant_numbers)
            yield ChildFile(root, (FOLDER, *names, PAGE)), owner_page(owner, tenant, tenant_numbers, plan.as_of, l10n)
    index = OwnerIndex(as_of=datetime.fromisoformat(plan.as_of), files=tuple(index_entries))
    yield ChildFile(root, (FOLDER, INDEX)), document(members(index))


def owned_actions(tenant: TenantPlan) -> Mapping[str, frozenset[int]]:
    """Return the numbers of the actions of each owner, by address in lower case; the address is empty for no owner.

    The number 0 represents questions about findings without an action.
    """
    numbers_of: dict[str, set[int]] = {}
    for number, action in enumerate(tenant.actions, start=1):
        for owner in dict.fromkeys(map(str.casefold, action.owners or ("",))):
            numbers_of.setdefault(owner, set()).add(number)
    acted = {fingerprint for action in tenant.actions for fingerprint in action.findings}
    if any(acted.isdisjoint(question.findings) for question in tenant.open_questions):
        numbers_of.setdefault("", set()).add(0)
    return {owner: frozenset(numbers) for owner, numbers in sorted(numbers_of.items())}


def _folders(owners: Mapping[str, None]) -> Mapping[str, str]:
    """Return a folder name for each owner; a number is added to names that are equal after replacing characters."""
    names: set[str] = {NOBODY}
    folders: dict[str, str] = {"": NOBODY}
    for owner in filter(None, owners):
        name = _UNSAFE.sub("-", owner)[:_MAX_LENGTH].strip(".-") or "owner"
        folders[owner] = free_id(f"owner-{name}" if is_device(name) else name, names)
    return folders
