"""The context that all sources of a collection share: Graph, needs, progress and the creation of coverage."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from auditor.collect.permissions import Permission
from auditor.collect.progress import Progress
from auditor.collect.shards import Shards
from auditor.collect.tables.external_sort import Spool
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Count, Message, joined
from auditor.domain.policy.data_needs import Needs
from auditor.domain.result.model import Coverage
from auditor.graph.client import Call, Graph
from auditor.graph.errors import REMEDIES, Fault, FaultError, FaultKind, fault
from auditor.graph.paging import pages
from auditor.graph.response_body import Rows, decode_list_page
from auditor.snapshot.manifest import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionContext:
    """The collection of one tenant in progress."""

    graph: Graph
    needs: Needs
    folder: Path
    """Folder for temporary files; removed when the collection ends."""
    progress: Progress
    shards: asyncio.Future[Shards] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """How lists of users are divided; set by the source of users as soon as it has their number."""
    users: asyncio.Future[Spool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """All users that were read; set by the source of users when it is done."""
    user_coverage: asyncio.Future[Coverage] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """How completely users were read; set together with `users`."""
    report_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a usage report is parsed and joined, so that only one is in memory at a time."""
    roles: asyncio.Future[Coverage] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """How completely directory roles were read; set by the source of roles when it is done."""
    user_names: asyncio.Future[Spool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """The names to which usage reports are joined, as `user_names` returns them; set by the first report."""
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    failures: list[Fault] = field(default_factory=list)
    """Faults of sources that could not be read at all."""
    permissions: Mapping[Source, tuple[Permission, ...]] = field(default_factory=dict)
    """The least application permissions of each source that is read, for the reasons of refusals."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.graph.tenant.name

    def make_coverage(
        self,
        source: Source,
        count: int,
        faults: list[Fault],
        *,
        asked: tuple[str, ...] = (),
        shortfall: Message | None = None,
        status: SourceStatus | None = None,
    ) -> Coverage:
        """Return the coverage of a source, and report its status as progress.

        `count` is the number of objects read, `faults` are those that ended or shortened the list, `asked` are the
        properties that were requested, and `shortfall` is the reason why a list without faults is incomplete.
        """
        faults = [self._with_permissions(item, source) for item in faults]
        reasons = list(dict.fromkeys([*(item.reason for item in faults), *([shortfall] if shortfall else [])]))
        if status is None:
            status = SourceStatus.COMPLETE
            if faults:
                status = faults[0].coverage(read=count)
            elif shortfall:
                status = SourceStatus.PARTIAL
        if faults and not count:
            self.failures.append(faults[0])
        self.progress.finish(self.tenant, source, status.value)
        return Coverage(
            name=source,
            status=status,
            count=count,
            read_at=format_instant(self.now().replace(microsecond=0)) if count or not faults else None,
            reason=joined("; ", reasons) or None,
            asked=tuple(sorted(asked)),
        )

    def _with_permissions(self, fault: Fault, source: Source) -> Fault:
        """Return a refusal with a remedy that names the permissions of the source."""
        names = ", ".join(permission.name for permission in self.permissions.get(source, ()))
        if fault.kind is not FaultKind.DENIED or fault.remedy != REMEDIES[FaultKind.DENIED] or not names:
            return fault
        remedy = Message(
            "grant the application {permissions} and consent (`auditor doctor` prints the commands)", permissions=names
        )
        return structs.replace(fault, remedy=remedy)

    async def all_rows(self, source: Source, call: Call, key: str = "id") -> tuple[Rows, list[Fault]]:
        """Read a small source; returns each object once, and the faults that ended or shortened the list."""
        rows_by_key: dict[str, dict[str, Any]] = {}
        without_key = 0
        try:
            async for page in pages(self.graph, call, decode_list_page):
                self.progress.advance(self.tenant, source, len(page))
                with_key = [row for row in page if isinstance(row.get(key), str)]
                rows_by_key.update((str(row[key]).lower(), row) for row in with_key)
                without_key += len(page) - len(with_key)
        except FaultError as error:
            return list(rows_by_key.values()), [error.fault]
        return list(rows_by_key.values()), [missing_key(without_key, key)] if without_key else []


def missing_key(count: int, key: str) -> Fault:
    """Return the fault of objects that Graph returned without their identifying property."""
    return fault(
        FaultKind.FAILING,
        Message("objects without {key}: {count}", key=key, count=Count(count)),
        remedy=Message("report it to Microsoft"),
    )
