"""The actions of a tenant, in memory or, beyond the memory budget of the run, in the spill file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.sized_iterable import SizedIterable
from auditor.findings.spill import SpillFile

_ACTION_BYTES: Final = 1_700
"""Bytes that an action uses in memory, measured with tenants of 500 people."""
_MAX_ITEMS: Final = 1_024
"""Lists with more items than this are not written with their action: they are backed by columns already."""
_BLOCK_SIZE: Final = 1_024
"""Number of actions that are written and read together."""

_Lists = tuple[Sequence[str], Sequence[Mapping[str, Any]]]


def action_table(actions: Sequence[Action], spill: SpillFile | None) -> Sequence[Action]:
    """Return the actions unchanged, or a table in the spill file if they exceed its memory budget.

    Raises DeliveryError if the disk of the spill file is full.
    """
    if spill is None or spill.actions.reserve(_ACTION_BYTES * len(actions)):
        return actions
    return _ActionTable(actions, spill)


def mapped(actions: Sequence[Action], change: Callable[[Action], Action]) -> Sequence[Action]:
    """Return the actions changed by `change`, in the spill file if they are in it.

    Raises DeliveryError if the disk of the spill file is full.
    """
    changed = tuple(map(change, actions))
    return _ActionTable(changed, actions.spill) if isinstance(actions, _ActionTable) else changed


class _ActionTable(SizedIterable[Action]):
    """Actions in the spill file; every iteration reads them. Raises DeliveryError if the file was truncated."""

    __slots__ = ("_blocks", "_count", "_long_lists", "spill")

    def __init__(self, actions: Sequence[Action], spill: SpillFile) -> None:
        self.spill = spill
        self._count = len(actions)
        self._long_lists: dict[int, _Lists] = {}
        written = map(self._written, range(self._count), actions)
        self._blocks = [spill.write_value(block) for block in iter(lambda: list(islice(written, _BLOCK_SIZE)), [])]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Action]:
        for index, action in enumerate(chain.from_iterable(map(self.spill.read_value, self._blocks))):
            if (lists := self._long_lists.get(index)) is not None:
                action = replace(action, findings=lists[0], requests=lists[1])  # noqa: PLW2901 - the same action
            yield action

    def _written(self, index: int, action: Action) -> Action:
        """Return an action with its lists as tuples, or without them if they are long."""
        if max(len(action.findings), len(action.requests)) > _MAX_ITEMS:
            self._long_lists[index] = action.findings, action.requests
            return replace(action, findings=(), requests=())
        return replace(action, findings=tuple(action.findings), requests=tuple(action.requests))
