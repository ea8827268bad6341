"""Shards: filters that divide the users of a tenant among several lists."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise

from auditor.failures import in_task
from auditor.graph.errors import Fault, GraphErrorKind
from auditor.graph.requests import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """OData filters over users that together match every user; None matches all."""

    filters: tuple[str | None, ...]

    @classmethod
    def whole(cls) -> "Shards":
        """Return a single shard with every user."""
        return cls(filters=(None,))

    @classmethod
    def between(cls, bounds: list[str]) -> "Shards":
        """Return the shards between user principal names; each bound belongs to both of its neighbours.

        Whichever collation Graph uses, walking the bounds in order passes every name at least once, so no user is
        omitted; a user who is a bound comes twice and is deduplicated by id.
        """
        if not bounds:
            return cls.whole()
        literals = [quoted(bound) for bound in bounds]
        name = "userPrincipalName"
        inner = [f"{name} ge {low} and {name} le {high}" for low, high in pairwise(literals)]
        return cls(filters=(f"{name} le {literals[0]}", *inner, f"{name} ge {literals[-1]}"))

    @property
    def is_divided(self) -> bool:
        """Whether there is more than one shard."""
        return len(self.filters) > 1

    async def read(self, read_list: Callable[[str | None], Awaitable[Fault | None]]) -> list[Fault]:
        """Read all shards concurrently; return the faults that ended lists early.

        If Graph rejects a filter in this tenant, one list without filters is read instead.
        """
        results = await asyncio.gather(*(in_task(read_list, filter_) for filter_ in self.filters))
        faults = [fault for fault in results if fault is not None]
        if self.is_divided and any(fault.kind is GraphErrorKind.UNSUPPORTED for fault in faults):
            fault = await read_list(None)
            return [] if fault is None else [fault]
        return faults
