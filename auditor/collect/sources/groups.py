"""Reads the groups that policies name and all licensed groups, with the members that are needed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.catalogue.model import GUID
from auditor.collect.context import CollectionContext, missing_key
from auditor.collect.permissions import Permission, missing
from auditor.collect.sources.members import MEMBER_STATUS_COLUMNS, MemberReader
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.nested_groups import read_nested
from auditor.collect.tables.external_sort import Spool
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import GraphError
from auditor.domain.result.model import Coverage
from auditor.graph import requests
from auditor.graph.auth.token_claims import claims_of
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.response_body import Rows, decode_list_page, decode_object
from auditor.snapshot.from_graph import group_row
from auditor.snapshot.schema import GROUPS

_LICENSE_STATES = "licenseAssignmentStates"
_NAME_PROPERTIES = ("displayName", "id")
_KIND_PROPERTIES: Final[Mapping[str, type]] = {
    "groupTypes": list,
    "isAssignableToRole": bool,
    "mailEnabled": bool,
    "membershipRule": str,
    "membershipRuleProcessingState": str,
    "onPremisesSyncEnabled": bool,
    "securityEnabled": bool,
    "visibility": str,
}
"""Properties that decide how the members of a group can change, with their types."""
_LICENSE_PROPERTIES = ("assignedLicenses", "displayName", "id", "licenseProcessingState", *_KIND_PROPERTIES)


class _Groups(Struct):
    """The groups read so far."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids_by_name: dict[str, set[str]] = field(default_factory=dict)
    """Group name as policies write it → ids of the groups with this name."""
    faults: list[Fault] = field(default_factory=list)
    asked: set[str] = field(default_factory=lambda: set(_NAME_PROPERTIES))
    licensed: set[str] = field(default_factory=set)
    """Ids of groups that have licences."""


async def _read(context: CollectionContext) -> SourceResult:
    """Read the groups that policies name and the licensed groups, with the members that are needed."""
    groups, members = _Groups(), MemberReader(context)
    names = sorted({*context.needs.groups, *context.needs.transitive_groups})
    tasks = [_read_named(context, name, groups) for name in names]
    if context.needs.licensed_groups:
        tasks.append(_read_licensed(context, groups))
    await asyncio.gather(*tasks)
    groups.asked.update(f"named:{name}" for name in names)
    lists = {
        (group, transitive)
        for group_names, transitive in ((context.needs.groups, False), (context.needs.transitive_groups, True))
        for name in group_names
        for group in groups.ids_by_name.get(name, ())
    }
    await members.read_each(lists)
    if context.needs.licensed_members:
        await members.read_batches(groups.licensed)
    if context.needs.nested_groups:
        unread = {group for group in groups.licensed if (group, False) not in members.status}
        await read_nested(context, unread, members.direct)
    coverage = []
    if Source.GROUPS in context.needs.sources:
        asked = tuple(groups.asked)
        coverage.append(context.make_coverage(Source.GROUPS, len(groups.rows), groups.faults, asked=asked))
    if Source.MEMBERS in context.needs.sources:
        coverage.append(_member_coverage(context, groups, members))
    nested = {group for nested_ids in members.direct.nested.values() for group in nested_ids}
    table = await _add_missing(context, nested, _table(groups, members))
    return SourceResult(coverage=tuple(coverage), tables={"groups": table}, members=members)


async def add_assigning_groups(context: CollectionContext, users: Spool, groups: pa.Table) -> pa.Table:
    """Return the groups table, extended by the names and kinds of the groups that assign licences to users.

    No policy depends on them, so they are left out if the permission is missing, if Graph refuses the request, or if
    the token has expired and cannot be renewed.
    """
    if _LICENSE_STATES not in users.schema.names:
        return groups
    try:
        claims = claims_of((await context.graph.sign_in.get_token()).token)
    except GraphError:
        return groups
    if claims is None or missing(GROUPS_AND_MEMBERS.permissions, claims.roles or claims.scopes):
        return groups
    ids: set[str] = set()
    for table in users.tables(columns=["id", _LICENSE_STATES]):
        paths = pc.struct_field(table[_LICENSE_STATES].combine_chunks().flatten(), "assignedByGroup")
        ids.update(group for group in pc.unique(paths).to_pylist() if group)
    return await _add_missing(context, ids, groups)


def add_groups(table: pa.Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return the groups table, extended by the groups whose members other sources read, with the status of each list.

    `rows` have an `id`, and `displayName`, `membersStatus` and `transitiveMembersStatus` if these are known.
    """
    groups = {row["id"]: row for row in table.to_pylist()}
    for row in rows:
        group = groups.setdefault(row["id"], group_row(row))
        group.update({name: row[name] for name in MEMBER_STATUS_COLUMNS.values() if name in row})
        # Sources finish in any order, and only some of them know the names of their groups.
        group["displayName"] = group["displayName"] or row.get("displayName")
    return pa.Table.from_pylist([groups[group] for group in sorted(groups)], GROUPS)


async def groups_by_ids(
    context: CollectionContext, ids: Sequence[str], properties: tuple[str, ...]
) -> AsyncIterator[Rows]:
    """Look up ids, MAX_IDS per request, and yield the groups among them with the properties. Raises FaultError."""
    for start in range(0, len(ids), requests.MAX_IDS):
        call = requests.groups_by_ids(context.graph, tuple(ids[start : start + requests.MAX_IDS]), properties)
        yield (await context.graph.answer(call, decode_list_page)).value.rows


async def _add_missing(context: CollectionContext, ids: Iterable[str], groups: pa.Table) -> pa.Table:
    """Return the groups table, extended by a row for each group of these ids that it does not have."""
    known_ids = set(groups["id"].to_pylist())
    missing_ids = sorted({group.lower() for group in ids if GUID.fullmatch(group.lower())} - known_ids)
    rows: list[dict[str, Any]] = []
    with suppress(FaultError):
        async for page in groups_by_ids(context, missing_ids, (*_NAME_PROPERTIES, *_KIND_PROPERTIES)):
            for row in page:
                group = str(row.get("id")).lower()
                if GUID.fullmatch(group) and group not in known_ids:
                    known_ids.add(group)
                    rows.append(group_row({**_valid_properties(row), "id": group, "assignedLicenses": None}))
    if not rows:
        return groups
    table = pa.concat_tables([groups, pa.Table.from_pylist(rows, GROUPS)])
    return table.take(pc.sort_indices(table["id"]))  # `Table.sort_by` would import Arrow's datasets


async def _read_named(context: CollectionContext, name: str, groups: _Groups) -> None:
    """Look up a group by its id, or the groups with a name."""
    try:
        if GUID.fullmatch(name.lower()):
            answer = await context.graph.answer(requests.group(context.graph, name, _NAME_PROPERTIES), decode_object)
            rows = [answer.value]
        else:
            rows, faults = await context.all_rows(
                Source.GROUPS,
                requests.groups(context.graph, _NAME_PROPERTIES, filter_=f"displayName eq {requests.quoted(name)}"),
            )
            groups.faults += faults
    except FaultError as error:
        if error.fault.kind is not FaultKind.MISSING:
            groups.faults.append(error.fault)
        rows = []
    for row in rows:
        group = _add(groups, row)
        if group is not None:
            groups.ids_by_name.setdefault(name, set()).add(group)


async def _read_licensed(context: CollectionContext, groups: _Groups) -> None:
    """Read every licensed group, and whether it has members with licence errors."""
    (licensed, licensed_faults), (failed, failed_faults) = await asyncio.gather(
        context.all_rows(
            Source.GROUPS,
            requests.groups(context.graph, _LICENSE_PROPERTIES, filter_="assignedLicenses/$count ne 0", advanced=True),
        ),
        context.all_rows(
            Source.GROUPS, requests.groups(context.graph, ("id",), filter_="hasMembersWithLicenseErrors eq true")
        ),
    )
    groups.faults += licensed_faults + failed_faults
    if not licensed_faults:
        groups.asked.update(_LICENSE_PROPERTIES)
    if not licensed_faults and not failed_faults:
        groups.asked.add("hasMembersWithLicenseErrors")
    # The filter returns only groups with licences, so a group without readable ones is not one without licences.
    if unreadable := sum(not _has_readable_licenses(row) for row in licensed):
        groups.faults.append(missing_key(unreadable, "assignedLicenses"))
    failing = {str(row["id"]).lower() for row in failed}
    for row in licensed:
        has_errors = None if failed_faults else str(row["id"]).lower() in failing
        group = _add(groups, {**row, "hasMembersWithLicenseErrors": has_errors})
        if group is not None:
            groups.licensed.add(group)


def _add(groups: _Groups, row: Mapping[str, Any]) -> str | None:
    """Merge the properties of a row into its group; returns the group's id, or None if the row has none."""
    group = row.get("id")
    if not isinstance(group, str) or "\0" in group:
        groups.faults.append(missing_key(1, "id"))
        return None
    group = group.lower()
    groups.rows.setdefault(group, {}).update(_valid_properties(row), id=group)
    return group


def _has_readable_licenses(row: Mapping[str, Any]) -> bool:
    readable = _valid_properties(row).get("assignedLicenses", ())
    return bool(readable) and len(readable) == len(row["assignedLicenses"])


def _valid_properties(row: Mapping[str, Any]) -> dict[str, Any]:
    licenses = row.get("assignedLicenses")
    state = row.get("licenseProcessingState")
    name = row.get("displayName")
    typed: dict[str, Any] = {"displayName": name if isinstance(name, str) else None}
    if isinstance(licenses, list):
        typed["assignedLicenses"] = [
            item for item in licenses if isinstance(item, dict) and isinstance(item.get("skuId"), str)
        ]
    if isinstance(state, dict) and isinstance(state.get("state"), str):
        typed["licenseProcessingState"] = {"state": state["state"]}
    typed.update({name: row[name] for name, kind in _KIND_PROPERTIES.items() if isinstance(row.get(name), kind)})
    if not all(isinstance(item, str) for item in typed.get("groupTypes", ())):
        del typed["groupTypes"]
    if "hasMembersWithLicenseErrors" in row:
        typed["hasMembersWithLicenseErrors"] = row["hasMembersWithLicenseErrors"]
    return typed


def _member_coverage(context: CollectionContext, groups: _Groups, members: MemberReader) -> Coverage:
    """Return the coverage of members; a group that does not exist is not covered, and a notice reports it."""
    needs = context.needs
    if not (needs.groups or needs.transitive_groups or needs.licensed_members or needs.nested_groups):
        return context.make_coverage(Source.MEMBERS, 0, [], status=SourceStatus.NOT_NEEDED)
    count = members.spool.distinct()
    faults = [*members.faults.values(), *members.direct.faults.values(), *groups.faults]
    read = SourceStatus.COMPLETE in members.status.values() or members.direct.counts
    status = SourceStatus.PARTIAL if faults and read else None
    return context.make_coverage(Source.MEMBERS, count, faults, asked=("id",), status=status)


def _table(groups: _Groups, members: MemberReader) -> pa.Table:
    rows = (
        group_row({**groups.rows[group], **members.direct.row(group), **members.statuses(group)})
        for group in sorted(groups.rows)
    )
    return pa.Table.from_pylist(list(rows), GROUPS)


READ_GROUP_MEMBERS: Final = Permission(
    name="GroupMember.Read.All",
    role_id="98830695-27a2-44f7-8c18-0c3ebc9698f6",
    included_in=(
        "Group.Read.All",
        "Directory.Read.All",
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ),
)
GROUPS_AND_MEMBERS: Final = CollectionSource(
    fills=(Source.GROUPS, Source.MEMBERS), permissions=(READ_GROUP_MEMBERS,), read=_read
)
