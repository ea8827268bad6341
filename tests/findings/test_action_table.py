"""Tables of actions have the same values in memory and in the spill file."""

import io
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.errors import DeliveryError
from auditor.domain.sized_iterable import SizedIterable
from auditor.findings.action_table import action_table, mapped
from auditor.findings.spill import SpillFile
from tests.builders.result.audited_demo import contoso


class GeneratedNumbers(SizedIterable[str]):
    """A list whose items are generated on iteration."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (f"{number:032x}" for number in range(self._count))


def spilled(actions: Sequence[Action], file: io.BytesIO | None = None) -> Sequence[Action]:
    table = action_table(actions, SpillFile(file or io.BytesIO(), budget=0))
    assert table is not actions
    return table


def test_actions_from_the_spill_file_equal_the_originals() -> None:
    actions = contoso().actions
    table = spilled(actions)
    assert len(table) == len(actions) > 10
    assert list(table) == list(actions)
    assert table[-1] == actions[-1]
    assert list(table) == list(actions)  # again, after reading another action


def test_actions_stay_in_memory_within_the_budget() -> None:
    actions = contoso().actions
    assert action_table(actions, None) is actions
    assert action_table(actions, SpillFile(io.BytesIO())) is actions


def test_several_tables_share_a_file() -> None:
    spill = SpillFile(io.BytesIO(), budget=0)
    actions = list(contoso().actions)
    tables = [action_table(actions[start:], spill) for start in range(4)]
    assert [list(table) for table in tables] == [actions[start:] for start in range(4)]


def test_lone_surrogate_is_kept() -> None:
    action = replace(contoso().actions[0], title="Remove \ud800")
    assert spilled([action])[0].title == "Remove \ud800"


@pytest.mark.parametrize("count", [3, 5_000])
def test_generated_lists_are_kept(count: int) -> None:
    action = replace(contoso().actions[0], findings=GeneratedNumbers(count))
    (read,) = spilled([action])
    assert len(read.findings) == count
    assert list(read.findings) == list(GeneratedNumbers(count))
    assert read.requests == tuple(action.requests)


def test_mapped_keeps_spilled_actions_in_the_file() -> None:
    actions = contoso().actions

    def renamed(action: Action) -> Action:
        return replace(action, title=action.title.upper())

    expected = list(map(renamed, actions))
    assert mapped(actions, renamed) == tuple(expected)
    changed = mapped(spilled(actions), renamed)
    assert not isinstance(changed, tuple)
    assert list(changed) == expected


def test_full_disk_is_reported() -> None:
    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(DeliveryError, match="No space left"):
        spilled(contoso().actions, FullDisk())


def test_truncated_file_is_reported() -> None:
    file = io.BytesIO()
    table = spilled(contoso().actions, file)
    file.truncate(5)
    with pytest.raises(DeliveryError, match="was truncated"):
        list(table)
