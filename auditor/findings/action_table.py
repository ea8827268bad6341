"""The actions of a tenant: in memory or, beyond the budget of the run, in the spill file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.sized_iterable import SizedIterable
from auditor.findings.spill import SpillFile

_SIZE: Final = 1_500
"""Bytes that an action takes in memory, measured with tenants of 500 people."""
_LONG: Final = 1_024
"""Items of a list that is not written with its action: it is read from columns already."""
_BLOCK: Final = 1_024
"""Actions that are written and read together."""

_Lists = tuple[Sequence[str], Sequence[Mapping[str, Any]]]


def action_table(actions: Sequence[Action], spill: SpillFile | None) -> Sequence[Action]:
    """Return actions as they are, or a table of them where the memory budget of the spill file does not suffice.

    Raises DeliveryError where the disk of the spill file is full.
    """
    if spill is None or spill.actions.reserve(_SIZE * len(actions)):
        return actions
    return _ActionTable(actions, spill)


def mapped(actions: Sequence[Action], change: Callable[[Action], Action]) -> Sequence[Action]:
    """Return what `change` makes of actions, in the spill file where they are in it. Raises DeliveryError likewise."""
    changed = tuple(map(change, actions))
    return _ActionTable(changed, actions.spill) if isinstance(actions, _ActionTable) else changed


class _ActionTable(SizedIterable[Action]):
    """Actions in the spill file; every iteration reads them. Raises DeliveryError where the file was cut."""

    __slots__ = ("_blocks", "_count", "_long", "spill")

    def __init__(self, actions: Sequence[Action], spill: SpillFile) -> None:
        self.spill = spill
        self._count = len(actions)
        self._long: dict[int, _Lists] = {}
        written = map(self._written, range(self._count), actions)
        self._blocks = [spill.write_value(some) for some in iter(lambda: list(islice(written, _BLOCK)), [])]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Action]:
        for number, action in enumerate(chain.from_iterable(map(self.spill.read_value, self._blocks))):
            if (lists := self._long.get(number)) is not None:
                action = replace(action, findings=lists[0], requests=lists[1])  # noqa: PLW2901 - the same action
            yield action

    def _written(self, number: int, action: Action) -> Action:
        """Return an action with its lists as values, or without them where they are long."""
        if max(len(action.findings), len(action.requests)) > _LONG:
            self._long[number] = action.findings, action.requests
            return replace(action, findings=(), requests=())
        return replace(action, findings=tuple(action.findings), requests=tuple(action.requests))
