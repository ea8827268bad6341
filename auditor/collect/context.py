"""What every source of a collection shares: the tenant's Graph, the needs, and how a source becomes coverage."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.collect.json_pages import Rows, listing
from auditor.collect.progress import Progress
from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result import Coverage
from auditor.graph.client import Call, Graph
from auditor.graph.errors import Fault, FaultError, GraphErrorKind, fault
from auditor.graph.paging import pages
from auditor.snapshot.manifest import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionContext:
    """One tenant's collection under way."""

    graph: Graph
    needs: Needs
    folder: Path
    """Where to put aside what memory should not hold; gone when the collection ends."""
    progress: Progress
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    failures: list[Fault] = field(default_factory=list)
    """What sources met of which nothing was read."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.graph.tenant.name

    def covered(
        self,
        source: Source,
        count: int,
        faults: list[Fault],
        *,
        asked: tuple[str, ...] = (),
        shortfall: str | None = None,
        status: SourceStatus | None = None,
    ) -> Coverage:
        """Turn what became of a source into its coverage, and tell the progress."""
        reasons = list(dict.fromkeys([*(found.reason for found in faults), *([shortfall] if shortfall else [])]))
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
            reason="; ".join(reasons) or None,
            asked=tuple(sorted(asked)),
        )

    async def rows(self, source: Source, call: Call) -> AsyncIterator[Rows]:
        """Yield the pages of a small source."""
        async for page in pages(self.graph, call, listing):
            self.progress.advance(self.tenant, source, len(page))
            yield page

    async def all_rows(self, source: Source, call: Call, key: str = "id") -> tuple[Rows, Fault | None]:
        """Read a small source whole, each object once; with the fault that ended it early, or lost some of it."""
        found: dict[str, dict[str, Any]] = {}
        unnamed = 0
        try:
            async for page in self.rows(source, call):
                named = [row for row in page if isinstance(row.get(key), str)]
                found.update((str(row[key]).lower(), row) for row in named)
                unnamed += len(page) - len(named)
        except FaultError as error:
            return list(found.values()), error.fault
        return list(found.values()), nameless(unnamed, key) if unnamed else None


def nameless(count: int, key: str) -> Fault:
    """Return the fault of objects that came without the property that names them."""
    return fault(
        GraphErrorKind.FAILING,
        Message("objects that came without {key}: {count}", key=key, count=count),
        remedy=Message("report it to Microsoft"),
    )
