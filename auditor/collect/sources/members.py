"""Reads the members of groups: list by list for the groups that policies name, in batches for licensed ones."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.context import CollectionContext, missing_key
from auditor.collect.sources.nested_groups import DirectMembers
from auditor.collect.tables.external_sort import Spool
from auditor.domain.enums import Source, SourceStatus
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.batch import MAX_ITEMS, answers, read_batches
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.paging import ObjectPage, pages
from auditor.graph.response_body import Rows, decode_list_page
from auditor.snapshot.schema import MEMBERS

MemberList = tuple[str, bool]
"""A group's id, and whether the list is the transitive one."""
MEMBER_STATUS_COLUMNS = {False: "membersStatus", True: "transitiveMembersStatus"}
"""Whether a list is the transitive one → the column of the groups table with its status."""

_KEYS = pa.schema([("id", pa.string())])
_SEPARATOR = "\0"
"""Sorts before every character of an id, so that keys are sorted by (group, list, user)."""
_OTHER_TYPES = ("#microsoft.graph.group", "#microsoft.graph.device", "#microsoft.graph.servicePrincipal")
"""Types of members that are not users; the ids of other types, of which Graph adds some, match no user."""


@dataclass(slots=True)
class MemberReader:
    """Reads the member lists of one tenant into a spool, which limits the memory they take."""

    context: CollectionContext
    spool: Spool = field(init=False)
    status: dict[MemberList, SourceStatus] = field(default_factory=dict)
    """The status of each list."""
    faults: dict[FaultKind, Fault] = field(default_factory=dict)
    """The first fault of each kind."""
    deleted: set[str] = field(default_factory=set)
    """Groups that no longer exist in the tenant."""
    name: str = "members"
    """The name of the temporary files."""
    _faults: dict[MemberList, Fault] = field(default_factory=dict)
    direct: DirectMembers = field(default_factory=DirectMembers)
    """Counts and kinds of direct members: of lists that were read, and of groups for which nothing else is needed."""

    def __post_init__(self) -> None:
        self.spool = Spool(self.context.folder, self.name, _KEYS)

    def faults_of(self, groups: Collection[str]) -> list[Fault]:
        """Return one fault of each kind that ended a list of these groups; a deleted group is no fault."""
        faults = [fault for (group, _), fault in self._faults.items() if group in groups and group not in self.deleted]
        return list({fault.kind: fault for fault in faults}.values())

    def statuses(self, group: str) -> dict[str, str]:
        """Return the status of each requested list of a group, by its column in the groups table."""
        return {
            column: self.status[group, transitive].value
            for transitive, column in MEMBER_STATUS_COLUMNS.items()
            if (group, transitive) in self.status
        }

    def add_rows_of(self, other: "MemberReader") -> None:
        """Add the rows of another reader."""
        for table in other.spool.tables():
            for batch in table.to_batches():
                self.spool.add(batch)

    async def read_each(self, lists: Iterable[MemberList]) -> None:
        """Read member lists with one or more requests each."""
        await asyncio.gather(*(in_task(self._read, list_, None) for list_ in sorted(lists)))

    async def read_batches(self, groups: Iterable[str]) -> None:
        """Read the direct members of groups, MAX_ITEMS groups per request; only large groups need more requests.

        If the first batch returns only refusals, the other groups count as refused and are not requested.
        """
        unread = sorted(group for group in groups if (group, False) not in self.status)
        batches = (unread[start : start + MAX_ITEMS] for start in range(0, len(unread), MAX_ITEMS))
        first = unread[:MAX_ITEMS]
        await read_batches(
            batches,
            self._read_batch,
            lambda: any(self.status[group, False].is_read or group in self.deleted for group in first),
        )
        for group in unread:
            self.status.setdefault((group, False), self.status[first[0], False])

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows of members.parquet, sorted by group, list and user."""
        for table in self.spool.tables():
            parts = pc.split_pattern(table["id"].combine_chunks(), _SEPARATOR, max_splits=2)
            group, transitive, user = (pc.list_element(parts, index) for index in range(3))
            yield pa.table([group, user, pc.equal(transitive, "1")], schema=MEMBERS)

    async def _read_batch(self, groups: Sequence[str]) -> None:
        """Read the first page of each group in one request, and the other pages of large groups."""
        addresses = {group: requests.members_address(group) for group in groups}
        results = await answers(
            self.context.graph, addresses, decode_list_page, name="GET /groups/{id}/members", units=2
        )
        for group, answer in results.items():
            if isinstance(answer, Fault):
                self._finish((group, False), 0, answer)
            else:
                await self._read((group, False), answer)

    async def _read(self, list_: MemberList, first: ObjectPage[Rows] | None) -> None:
        """Read all pages of a list, or those after the page `first`."""
        count, without_id = (0, 0) if first is None else self._add(list_, first.rows)
        try:
            if first is None or first.link is not None:
                call = requests.members(self.context.graph, list_[0], transitive=list_[1])
                start = None if first is None else first.link
                async for rows in pages(self.context.graph, call, decode_list_page, start=start):
                    added = self._add(list_, rows)
                    count, without_id = count + added[0], without_id + added[1]
        except FaultError as error:
            self._finish(list_, count, error.fault)
        else:
            self._finish(list_, count, missing_key(without_id, "id") if without_id else None)

    def _add(self, list_: MemberList, rows: Rows) -> tuple[int, int]:
        """Add the members of a page that may be users. Returns the numbers of users with and without an id."""
        group, transitive = list_
        if not transitive:
            self.direct.add(group, rows)
        prefix = f"{group}{_SEPARATOR}{int(transitive)}{_SEPARATOR}"
        ids = [row.get("id") for row in rows if row.get("@odata.type") not in _OTHER_TYPES]
        users = [user.lower() for user in ids if isinstance(user, str) and _SEPARATOR not in user]
        self.context.progress.advance(self.context.tenant, Source.MEMBERS, len(rows))
        self.spool.add(pa.record_batch([pa.array([prefix + user for user in users], pa.string())], schema=_KEYS))
        return len(users), len(ids) - len(users)

    def _finish(self, list_: MemberList, count: int, fault: Fault | None) -> None:
        self.status[list_] = SourceStatus.COMPLETE if fault is None else fault.coverage(read=count)
        if fault is None:
            return
        self._faults[list_] = fault
        if not list_[1]:
            self.direct.forget(list_[0])
        if fault.kind is FaultKind.MISSING:
            self.deleted.add(list_[0])
        self.faults.setdefault(fault.kind, fault)
