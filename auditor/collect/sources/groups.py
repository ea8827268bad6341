"""The groups that policies name, and all licensed ones, into tables, with the members that are needed."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from auditor.collect.context import CollectionContext, nameless
from auditor.collect.json_pages import listing, whole
from auditor.collect.sources.members import Members
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result import Coverage
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError, GraphErrorKind
from auditor.snapshot.from_graph import group_row
from auditor.snapshot.schema import GROUPS

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMED = ("displayName", "id")
_LICENSED = ("assignedLicenses", "displayName", "id", "licenseProcessingState")
_STATUSES = ("membersStatus", "transitiveMembersStatus")
_NOT_NEEDED = SourceStatus.NOT_NEEDED.value

Tables = Mapping[str, pa.Table]


@dataclass(slots=True)
class _Found:
    """What is known of the groups so far."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    """Group name as policies write it → ids of the groups that bear it."""
    faults: list[Fault] = field(default_factory=list)
    asked: set[str] = field(default_factory=lambda: set(_NAMED))
    licensed: set[str] = field(default_factory=set)
    """Ids of groups that have licences."""


async def groups(reading: CollectionContext) -> tuple[list[Coverage], Tables, Members]:
    """Read groups and members as far as the needs go; returns the coverage of both sources."""
    found, members = _Found(), Members(reading)
    names = sorted({*reading.needs.groups, *reading.needs.transitive_groups})
    tasks = [_named(reading, name, found) for name in names]
    if reading.needs.licensed_groups:
        tasks.append(_licensed(reading, found))
    await asyncio.gather(*tasks)
    found.asked.update(f"named:{name}" for name in names)
    wanted = {
        (group, transitive)
        for list_, transitive in ((reading.needs.groups, False), (reading.needs.transitive_groups, True))
        for name in list_
        for group in found.named.get(name, ())
    }
    await members.read_each(wanted)
    if reading.needs.licensed_members:
        await members.read_batches(found.licensed)
    coverage = []
    if Source.GROUPS in reading.needs.sources:
        asked = tuple(found.asked)
        coverage.append(reading.covered(Source.GROUPS, len(found.rows), found.faults, asked=asked))
    if Source.MEMBERS in reading.needs.sources:
        coverage.append(_member_coverage(reading, found, members))
    return coverage, _tables(found, members), members


async def name_groups(reading: CollectionContext, ids: Iterable[str], known: pa.Table) -> pa.Table:
    """Add the groups of some ids to those that are known, by name alone: nothing else was asked of them.

    Their names make evidence easier to read and decide nothing, so where they are refused they are left out.
    """
    there = set(known["id"].to_pylist())
    wanted = sorted({group.lower() for group in ids if _GUID.fullmatch(group)} - there)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(wanted), requests.MAX_IDS):
        call = requests.groups_by_ids(reading.graph, tuple(wanted[start : start + requests.MAX_IDS]))
        try:
            found = (await reading.graph.answer(call, listing)).value.rows
        except FaultError:
            break
        for row in found:
            group = str(row.get("id")).lower()
            if _GUID.fullmatch(group) and group not in there:
                there.add(group)
                rows.append({**group_row({**_typed(row), "id": group}), **dict.fromkeys(_STATUSES, _NOT_NEEDED)})
    if not rows:
        return known
    table = pa.concat_tables([known, pa.Table.from_pylist([{**row, "assignedLicenses": []} for row in rows], GROUPS)])
    return table.sort_by("id")


async def _named(reading: CollectionContext, name: str, found: _Found) -> None:
    """Look a group up by its id, or by its name, which several may bear."""
    try:
        if _GUID.fullmatch(name):
            answer = await reading.graph.answer(requests.group(reading.graph, name, _NAMED), whole)
            rows = [answer.value]
        else:
            rows, fault = await reading.all_rows(
                Source.GROUPS,
                requests.groups(reading.graph, _NAMED, filter_=f"displayName eq {requests.quoted(name)}"),
            )
            if fault is not None:
                found.faults.append(fault)
    except FaultError as error:
        if error.fault.kind is not GraphErrorKind.MISSING:
            found.faults.append(error.fault)
        rows = []
    for row in rows:
        group = _keep(found, row)
        if group is not None:
            found.named.setdefault(name, set()).add(group)


async def _licensed(reading: CollectionContext, found: _Found) -> None:
    """List every licensed group, and which of them have members in error."""
    licensed, errors = await asyncio.gather(
        reading.all_rows(
            Source.GROUPS,
            requests.groups(reading.graph, _LICENSED, filter_="assignedLicenses/$count ne 0", advanced=True),
        ),
        reading.all_rows(
            Source.GROUPS, requests.groups(reading.graph, ("id",), filter_="hasMembersWithLicenseErrors eq true")
        ),
    )
    found.faults.extend(fault for _, fault in (licensed, errors) if fault is not None)
    if licensed[1] is None:
        found.asked.update(("assignedLicenses", "licenseProcessingState"))
    if licensed[1] is None and errors[1] is None:
        found.asked.add("hasMembersWithLicenseErrors")
    failing = {str(row["id"]).lower() for row in errors[0]}
    for row in licensed[0]:
        known = None if errors[1] is not None else str(row["id"]).lower() in failing
        group = _keep(found, {**row, "hasMembersWithLicenseErrors": known})
        if group is not None:
            found.licensed.add(group)


def _keep(found: _Found, row: Mapping[str, Any]) -> str | None:
    """Remember what a row says of a group; a row of more properties adds to one of fewer."""
    group = row.get("id")
    if not isinstance(group, str) or "\0" in group:
        found.faults.append(nameless(1, "id"))
        return None
    group = group.lower()
    found.rows.setdefault(group, {}).update(_typed(row), id=group)
    return group


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    licenses = row.get("assignedLicenses")
    state = row.get("licenseProcessingState")
    name = row.get("displayName")
    kept: dict[str, Any] = {"displayName": name if isinstance(name, str) else None}
    if isinstance(licenses, list):
        kept["assignedLicenses"] = [
            item for item in licenses if isinstance(item, dict) and isinstance(item.get("skuId"), str)
        ]
    if isinstance(state, dict) and isinstance(state.get("state"), str):
        kept["licenseProcessingState"] = {"state": state["state"]}
    if "hasMembersWithLicenseErrors" in row:
        kept["hasMembersWithLicenseErrors"] = row["hasMembersWithLicenseErrors"]
    return kept


def _member_coverage(reading: CollectionContext, found: _Found, members: Members) -> Coverage:
    """Tell how far members were read; a group that does not exist has none, and its policy says that it is missing."""
    needs = reading.needs
    if not (needs.groups or needs.transitive_groups or needs.licensed_members):
        return reading.covered(Source.MEMBERS, 0, [], status=SourceStatus.NOT_NEEDED)
    count = members.spool.distinct()
    status = None
    if members.faults or found.faults:
        read = any(state is SourceStatus.COMPLETE for state in members.status.values())
        fault = (members.faults or found.faults)[0]
        status = SourceStatus.PARTIAL if read else fault.coverage(read=count)
    return reading.covered(Source.MEMBERS, count, [*members.faults, *found.faults], asked=("id",), status=status)


def _tables(found: _Found, members: Members) -> Tables:
    rows = [
        {
            **group_row(found.rows[group]),
            "membersStatus": members.status.get((group, False), SourceStatus.NOT_NEEDED).value,
            "transitiveMembersStatus": members.status.get((group, True), SourceStatus.NOT_NEEDED).value,
        }
        for group in sorted(found.rows)
    ]
    return {"groups": pa.Table.from_pylist(rows, GROUPS)}
