"""Reads directory roles: assignments, definitions, and the direct members of groups that have roles."""

import asyncio
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.context import CollectionContext, missing_key
from auditor.collect.permissions import Permission
from auditor.collect.sources.groups import READ_GROUP_MEMBERS, groups_by_ids
from auditor.collect.sources.members import MemberReader
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.domain.enums import Source, SourceStatus
from auditor.graph import requests
from auditor.graph.client import Call
from auditor.graph.errors import Fault, FaultError
from auditor.snapshot.from_graph import role_assignment_row, role_definition_row
from auditor.snapshot.schema import ROLE_ASSIGNMENT_LISTS, ROLE_ASSIGNMENTS, ROLE_DEFINITION_LIST, ROLE_DEFINITIONS

_ROLES = Source.DIRECTORY_ROLES


async def _read(context: CollectionContext) -> SourceResult:
    result = await read_roles(
        context, MemberReader(context, name="role-members"), eligible=context.needs.eligible_roles
    )
    context.roles.set_result(result.coverage[0])
    return result


async def read_roles(context: CollectionContext, members: MemberReader, *, eligible: bool) -> SourceResult:
    """Read role assignments and definitions; the members of groups that have roles are added to `members`.

    The coverage names the lists that were read completely, because each is useful without the others.
    """
    calls: dict[str, Call] = {
        ROLE_ASSIGNMENT_LISTS[False]: requests.role_assignments(context.graph),
        ROLE_DEFINITION_LIST: requests.role_definitions(context.graph),
    }
    if eligible:
        calls[ROLE_ASSIGNMENT_LISTS[True]] = requests.eligible_role_assignments(context.graph)
    lists = dict(
        zip(calls, await asyncio.gather(*(context.all_rows(_ROLES, call) for call in calls.values())), strict=True)
    )
    faults = [fault for _, list_faults in lists.values() for fault in list_faults]
    complete_lists = {name for name, (_, list_faults) in lists.items() if not list_faults}
    assignments: list[dict[str, Any]] = []
    for is_eligible, name in ROLE_ASSIGNMENT_LISTS.items():
        rows, _ = lists.get(name, ([], []))
        valid_rows = [
            row
            for row in rows
            if isinstance(row.get("principalId"), str) and isinstance(row.get("roleDefinitionId"), str)
        ]
        if len(valid_rows) < len(rows):
            complete_lists.discard(name)
            faults.append(missing_key(len(rows) - len(valid_rows), "principalId, roleDefinitionId"))
        assignments += [role_assignment_row(row, eligible=is_eligible) for row in valid_rows]
    groups, fault = await _groups_among(context, {row["principalId"] for row in assignments})
    faults += [] if fault is None else [fault]
    await members.read_batches(group for group, row in groups.items() if "membersStatus" not in row)
    faults += members.faults_of(groups)
    definitions = [role_definition_row(row) for row in lists[ROLE_DEFINITION_LIST][0]]
    status = SourceStatus.PARTIAL if faults and (complete_lists or assignments) else None
    coverage = context.make_coverage(_ROLES, len(assignments), faults, asked=tuple(complete_lists), status=status)
    return SourceResult(
        coverage=(coverage,),
        tables={
            "role_definitions": pa.Table.from_pylist(definitions, ROLE_DEFINITIONS),
            "role_assignments": pa.Table.from_pylist(assignments, ROLE_ASSIGNMENTS),
        },
        members=members,
        groups=tuple(
            {**row, **members.statuses(group)} for group, row in groups.items() if group not in members.deleted
        ),
    )


async def _groups_among(
    context: CollectionContext, principals: set[str]
) -> tuple[dict[str, dict[str, Any]], Fault | None]:
    """Return the groups among the principals as id → row, and the fault that ended the requests.

    An id that could not be looked up has a row with a status.
    """
    users = await context.users
    non_users = pa.array(sorted(principals), pa.string())
    for table in users.tables(columns=["id"]):
        ids = pc.ascii_lower(table["id"].combine_chunks())
        non_users = non_users.filter(pc.invert(pc.is_in(non_users, value_set=ids)))
    pending: list[str] = non_users.to_pylist()
    groups: dict[str, dict[str, Any]] = {}
    pending_ids, pages = set(pending), 0
    try:
        async for rows in groups_by_ids(context, pending, ("displayName", "id")):
            pages += 1
            for row in rows:
                group, name = str(row.get("id")).lower(), row.get("displayName")
                if group in pending_ids:
                    groups[group] = {"id": group, "displayName": name if isinstance(name, str) else None}
    except FaultError as error:
        status = error.fault.coverage(read=0).value
        unread = pending[pages * requests.MAX_IDS :]
        groups.update((group, {"id": group, "membersStatus": status}) for group in unread)
        return groups, error.fault
    return groups, None


READ_ROLES: Final = Permission(
    name="RoleManagement.Read.Directory",
    role_id="483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    included_in=("RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"),
)
DIRECTORY_ROLES: Final = CollectionSource(
    fills=(Source.DIRECTORY_ROLES,), permissions=(READ_ROLES, READ_GROUP_MEMBERS), read=_read, requires=(USERS,)
)
