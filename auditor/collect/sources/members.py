"""Reads the members of groups: of the groups that policies name one by one, of all licensed groups in batches."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.batch import ITEMS, answers
from auditor.collect.context import CollectionContext, nameless
from auditor.collect.json_pages import Rows, listing
from auditor.collect.tables.external_sort import Spool
from auditor.domain.enums import Source, SourceStatus
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError
from auditor.graph.paging import ObjectPage, pages
from auditor.snapshot.schema import MEMBERS

List = tuple[str, bool]
"""A group's id, and whether the list is the transitive one."""

_KEYS = pa.schema([("id", pa.string())])
_SEPARATOR = "\0"
"""Sorts before whatever an id holds, so that keys are sorted as (group, list, user)."""
_AT_ONCE = 4
_READ = frozenset({SourceStatus.COMPLETE, SourceStatus.PARTIAL})
_USER = "#microsoft.graph.user"


@dataclass(slots=True)
class Members:
    """The member lists of one tenant, read so far; rows wait in a spool, which bounds the memory they take."""

    reading: CollectionContext
    spool: Spool = field(init=False)
    status: dict[List, SourceStatus] = field(default_factory=dict)
    """How far each list was read."""
    faults: list[Fault] = field(default_factory=list)
    """One fault of each kind."""

    def __post_init__(self) -> None:
        self.spool = Spool(self.reading.folder, "members", _KEYS)

    async def read_each(self, lists: Iterable[List]) -> None:
        """Read lists with one or more requests each."""
        await asyncio.gather(*(in_task(self._read, wanted, None) for wanted in sorted(lists)))

    async def read_batches(self, groups: Iterable[str]) -> None:
        """Read the direct members of many groups, ITEMS groups a request; only large groups need more requests.

        Where the first batch brings nothing but refusals, the other groups count as refused and are not asked for.
        """
        wanted = sorted(group for group in groups if (group, False) not in self.status)
        batches = (wanted[start : start + ITEMS] for start in range(0, len(wanted), ITEMS))

        async def worker() -> None:
            for batch in batches:
                await self._read_batch(batch)

        first = next(batches, [])
        await self._read_batch(first)
        if any(self.status[group, False] in _READ for group in first):
            await asyncio.gather(*(in_task(worker) for _ in range(_AT_ONCE)))
        for group in wanted:
            self.status.setdefault((group, False), self.status[first[0], False])

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows of members.parquet by group, list and user."""
        for table in self.spool.tables():
            parts = pc.split_pattern(table["id"].combine_chunks(), _SEPARATOR, max_splits=2)
            group, transitive, user = (pc.list_element(parts, place) for place in range(3))
            yield pa.table([group, user, pc.equal(transitive, "1")], schema=MEMBERS)

    async def _read_batch(self, groups: Sequence[str]) -> None:
        """Read the first page of each group in one request, and what follows of large groups."""
        if not groups:
            return
        addresses = {group: requests.members_address(group) for group in groups}
        found = await answers(self.reading.graph, addresses, listing, name="GET /groups/{id}/members", units=2)
        for group, answer in found.items():
            if isinstance(answer, Fault):
                self._end((group, False), 0, answer)
            else:
                await self._read((group, False), answer)

    async def _read(self, wanted: List, first: ObjectPage[Rows] | None) -> None:
        """Read the pages of a list, or those that follow its first one."""
        group, transitive = wanted
        count = unnamed = 0
        if first is not None:
            count, unnamed = self._add(wanted, first.rows)
            if first.link is None:
                self._end(wanted, count, nameless(unnamed, "id") if unnamed else None)
                return
        call = requests.members(self.reading.graph, group, transitive=transitive)
        try:
            async for rows in pages(self.reading.graph, call, listing, start=first.link if first else None):
                added = self._add(wanted, rows)
                count, unnamed = count + added[0], unnamed + added[1]
        except FaultError as error:
            self._end(wanted, count, error.fault)
        else:
            self._end(wanted, count, nameless(unnamed, "id") if unnamed else None)

    def _add(self, wanted: List, rows: Rows) -> tuple[int, int]:
        """Keep the users of a page; devices, groups and other members are passed over. Returns (users, unnamed)."""
        group, transitive = wanted
        beginning = f"{group}{_SEPARATOR}{int(transitive)}{_SEPARATOR}"
        ids = [row.get("id") for row in rows if row.get("@odata.type", _USER) == _USER]
        named = [found.lower() for found in ids if isinstance(found, str) and _SEPARATOR not in found]
        self.reading.progress.advance(self.reading.tenant, Source.MEMBERS, len(rows))
        self.spool.add(pa.record_batch([pa.array([beginning + found for found in named], pa.string())], schema=_KEYS))
        return len(named), len(ids) - len(named)

    def _end(self, wanted: List, count: int, fault: Fault | None) -> None:
        self.status[wanted] = SourceStatus.COMPLETE if fault is None else fault.coverage(read=count)
        if fault is not None and all(fault.kind is not known.kind for known in self.faults):
            self.faults.append(fault)
