"""Reads the number of direct members of licensed groups and the groups among them, with one batched request each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct, field

from auditor.collect.context import CollectionContext
from auditor.domain.message import Message
from auditor.graph import requests
from auditor.graph.batch import MAX_ITEMS, answers
from auditor.graph.client import NotGraphError
from auditor.graph.errors import Fault, FaultKind
from auditor.graph.paging import ObjectPage
from auditor.graph.response_body import Rows, decode_list_page, decode_object

GROUP = "#microsoft.graph.group"
_NAME = "GET /groups/{id}/members"


class DirectMembers(Struct):
    """The numbers of direct members of any kind, and the groups among them, if they were read."""

    counts: dict[str, int] = field(default_factory=dict)
    nested: dict[str, set[str]] = field(default_factory=dict)
    """Group id → ids of the groups among its direct members; only the first ones of more than 999."""
    faults: dict[FaultKind, Fault] = field(default_factory=dict)
    """The first fault of each kind."""

    def add(self, group: str, rows: Rows) -> None:
        """Add a page of the direct members of a group."""
        self.counts[group] = self.counts.get(group, 0) + len(rows)
        self.nested.setdefault(group, set()).update(ids_of(rows))

    def forget(self, group: str) -> None:
        """Drop the count of a group whose list was not read completely; nested groups that were read are kept."""
        self.counts.pop(group, None)
        if not self.nested.get(group):
            self.nested.pop(group, None)

    def row(self, group: str) -> dict[str, Any]:
        """Return the columns of a group."""
        nested = self.nested.get(group)
        return {"memberCount": self.counts.get(group), "nestedGroups": None if nested is None else sorted(nested)}


def ids_of(rows: Rows, kind: str | None = GROUP) -> Iterator[str]:
    """Yield the ids of the groups among members; with `kind` None, of all of them."""
    for row in rows:
        if kind is None or row.get("@odata.type") == kind:
            member_id = row.get("id")
            if isinstance(member_id, str) and "\0" not in member_id:
                yield member_id.lower()


async def read_nested(context: CollectionContext, groups: Iterable[str], direct: DirectMembers) -> None:
    """Read the direct members of groups; for groups with more than a page, their number and the groups among them.

    If the first batch returns only refusals, the other groups are not requested.
    """
    pending = iter(sorted(groups))
    while batch := list(islice(pending, MAX_ITEMS)):
        addresses = {group: requests.members_address(group) for group in batch}
        pages = await answers(context.graph, addresses, decode_list_page, name=_NAME, units=2)
        large = [group for group, page in pages.items() if isinstance(page, ObjectPage) and page.link is not None]
        for group, page in pages.items():
            if isinstance(page, Fault):
                direct.faults.setdefault(page.kind, page)
            elif page.link is None:
                direct.add(group, page.rows)
        if large:
            await _read_large(context, large, direct)
        if not direct.counts and not direct.nested:
            return


async def _read_large(context: CollectionContext, groups: Sequence[str], direct: DirectMembers) -> None:
    nested = {group: requests.nested_groups_address(group) for group in groups}
    pages = await answers(context.graph, nested, decode_list_page, name=_NAME, units=2, advanced=True)
    for group, page in pages.items():
        if isinstance(page, Fault):
            direct.faults.setdefault(page.kind, page)
        elif page.rows or page.link is None:
            direct.nested[group] = set(ids_of(page.rows, None))
    numbers = {group: requests.member_count_address(group) for group in groups}
    counts = await answers(context.graph, numbers, _decode_member_count, name=_NAME, units=2, advanced=True)
    for group, count in counts.items():
        if isinstance(count, Fault):
            direct.faults.setdefault(count.kind, count)
        else:
            direct.counts[group] = count


def _decode_member_count(body: bytes) -> int:
    """Decode the `@odata.count` of a page. Raises NotGraphError."""
    count = decode_object(body).get("@odata.count")
    if not isinstance(count, int) or count < 0:
        raise NotGraphError(Message("it is not a number"))
    return count
