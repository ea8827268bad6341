"""Reads Conditional Access policies, the transitive members of their groups, and directory roles if they use any."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.directory_roles import read_roles
from auditor.collect.sources.groups import READ_GROUP_MEMBERS
from auditor.collect.sources.members import MemberReader
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.domain.enums import Cloud, Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.graph import requests
from auditor.snapshot.from_graph import conditional_access_row
from auditor.snapshot.schema import (
    CONDITIONAL_ACCESS_LIST,
    CONDITIONAL_ACCESS_POLICIES,
    ROLE_ASSIGNMENT_LISTS,
    ROLE_DEFINITION_LIST,
)

_INCLUDED = ("Users", "Groups", "Roles", "GuestsOrExternalUsers")
_NOT_ENFORCED = frozenset({"disabled", "enabledForReportingButNotEnforced"})


async def _read(context: CollectionContext) -> SourceResult:
    """Read the policies, and the groups and roles in the conditions of enforced ones."""
    call = requests.conditional_access_policies(context.graph)
    documents, faults = await context.all_rows(Source.CONDITIONAL_ACCESS, call)
    rows = [conditional_access_row(document) for document in documents]
    has_risks = context.graph.tenant.cloud is not Cloud.CHINA
    damaged = sum(not _is_well_formed(document, has_risks=has_risks) for document in documents)
    enforced = [row for row in rows if row["state"] not in _NOT_ENFORCED]
    members = MemberReader(context, name="conditional-access-members")
    groups = sorted(_names_in(enforced, "Groups"))
    complete_lists = () if faults or damaged else (CONDITIONAL_ACCESS_LIST,)
    await members.read_each((group, True) for group in groups)
    faults += members.faults_of(groups)
    shortfall = (
        Message("policies with conditions that cannot be read: {count}", count=Count(damaged)) if damaged else None
    )
    tables = {"conditional_access_policies": pa.Table.from_pylist(rows, CONDITIONAL_ACCESS_POLICIES)}
    roles = await _read_active_roles(context, members) if _names_in(enforced, "Roles") else None
    if roles is not None and not {ROLE_ASSIGNMENT_LISTS[False], ROLE_DEFINITION_LIST} <= set(roles.coverage[0].asked):
        shortfall = Message("the directory roles, which policies use, were not read completely")
    status = SourceStatus.PARTIAL if (faults or shortfall) and (complete_lists or rows) else None
    coverage = context.make_coverage(
        Source.CONDITIONAL_ACCESS, len(rows), faults, asked=complete_lists, shortfall=shortfall, status=status
    )
    role_result = roles if roles is not None and roles.tables else SourceResult(coverage=())
    return SourceResult(
        coverage=(coverage, *role_result.coverage),
        tables={**tables, **role_result.tables},
        members=members,
        groups=(
            *role_result.groups,
            *({"id": group, **members.statuses(group)} for group in groups if group not in members.deleted),
        ),
    )


async def _read_active_roles(context: CollectionContext, members: MemberReader) -> SourceResult:
    """Read the active roles; if the source of roles reads them anyway, return only its coverage."""
    if Source.DIRECTORY_ROLES in context.needs.sources:
        return SourceResult(coverage=(await context.roles,))
    return await read_roles(context, members, eligible=False)


def _names_in(rows: list[dict[str, Any]], kind: str) -> set[str]:
    return {name for row in rows for side in ("include", "exclude") for name in row[f"{side}{kind}"]}


def _is_well_formed(document: Mapping[str, Any], *, has_risks: bool) -> bool:
    """Return whether the conditions of a policy have Graph's types; `has_risks`: whether the cloud has risk levels.

    A policy about people includes somebody, at least `None`; one about workload identities has no users.
    """
    conditions = document.get("conditions")
    if not isinstance(conditions, dict):
        return False
    users = conditions.get("users")
    if users is None:
        return isinstance(conditions.get("clientApplications"), dict)
    if not isinstance(users, dict) or not any(users.get(f"include{kind}") for kind in _INCLUDED):
        return False
    if has_risks and any(conditions.get(name) is None for name in ("userRiskLevels", "signInRiskLevels")):
        return False
    lists = [users.get(f"{side}{kind}") for side in ("include", "exclude") for kind in ("Users", "Groups", "Roles")]
    lists += [conditions.get(name) for name in ("userRiskLevels", "signInRiskLevels")]
    guests = [users.get(f"{side}GuestsOrExternalUsers") for side in ("include", "exclude")]
    return all(value is None or _is_text_list(value) for value in lists) and all(
        value is None or (isinstance(value, dict) and isinstance(value.get("guestOrExternalUserTypes", ""), str))
        for value in guests
    )


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


CONDITIONAL_ACCESS: Final = CollectionSource(
    fills=(Source.CONDITIONAL_ACCESS,),
    permissions=(
        Permission(name="Policy.Read.All", role_id="246dd0d5-5bd0-4def-940b-0421030a5b68"),
        READ_GROUP_MEMBERS,
    ),
    read=_read,
    requires=(USERS,),
)
