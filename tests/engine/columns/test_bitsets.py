"""Bitsets, codes and flags say what plain loops over the same values say, whatever their number."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.engine.columns.bitsets import HoldingsCollector, has_multiple, intersects, pairs, patterns, sku_indices
from auditor.engine.columns.strings import codes_of, entries_of, flags_of, fold, id_prefixes, looked_up

SIZES = st.sampled_from((0, 1, 8, 31, 32, 33, 63, 64, 65, 300))


@st.composite
def holdings(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    """A number of SKUs, and for each user the places of what they have: none, a few, or forty and the same twice."""
    size = draw(SIZES)
    own = st.lists(st.integers(0, max(0, size - 1)), max_size=40 if size else 0)
    return size, draw(st.lists(own, max_size=12))


def gathering(users: list[list[int]], size: int) -> HoldingsCollector:
    starts = np.concatenate(([0], np.cumsum([len(own) for own in users], dtype=np.int64))).astype(np.int64)
    return HoldingsCollector(starts, np.array([sku for own in users for sku in own], dtype=np.int64), size)


@pytest.mark.slow
@given(holdings(), st.randoms())
def test_gathering_keeps_every_flagged_sku_of_every_user(case: tuple[int, list[list[int]]], random: object) -> None:
    size, users = case
    flags = [[random.random() < 0.5 for _ in own] for own in users]  # type: ignore[attr-defined]
    found = gathering(users, size)
    flagged = found.where(np.array([flag for own in flags for flag in own], dtype=bool))
    expected = [
        {sku for sku, flag in zip(own, flagged_skus, strict=True) if flag}
        for own, flagged_skus in zip(users, flags, strict=True)
    ]
    assert [set(positions.tolist()) for positions in sku_indices(flagged)] == expected
    assert found.doubled.tolist() == [row for row, own in enumerate(users) if len(own) > len(set(own))]


@given(holdings(), st.data())
def test_pairs_some_and_several_are_those_of_sets(case: tuple[int, list[list[int]]], data: st.DataObject) -> None:
    size, users = case
    users *= data.draw(st.sampled_from((1, 300)))  # few bits are spread out at once, many are walked one by one
    held = gathering(users, size).where(np.ones(sum(map(len, users)), dtype=bool))
    wanted = data.draw(st.sets(st.integers(0, size - 1))) if size else set()
    chosen = data.draw(st.lists(st.booleans(), min_size=12, max_size=12))
    who = [chosen[number % 12] for number in range(len(users))]
    products = np.array([sku in wanted for sku in range(size)], dtype=bool)
    found = pairs(held, products, np.array(who, dtype=bool))
    expected = [(row, sku) for row, own in enumerate(users) if who[row] for sku in sorted(wanted & set(own))]
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected
    assert intersects(held, products).tolist() == [bool(wanted & set(own)) for own in users]
    assert has_multiple(held).tolist() == [len(set(own)) > 1 for own in users]
    pattern, distinct = patterns(held, np.arange(len(users)))
    positions = sku_indices(distinct)
    assert [positions[number].tolist() for number in pattern] == [sorted(set(own)) for own in users]
    assert len({tuple(each.tolist()) for each in positions}) == len(positions)


@given(st.lists(st.booleans(), max_size=300), st.data())
def test_flags_are_looked_up_whether_few_or_many_are_set(flags: list[bool], data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, len(flags) - 1), max_size=50)) if flags else []
    kind = np.min_scalar_type(max(1, len(flags)))
    found = looked_up(np.array(flags, dtype=bool), np.array(codes, dtype=kind))
    assert found.tolist() == [flags[code] for code in codes]


def slices(values: list[object], kind: pa.DataType) -> Iterator[tuple[list[object], pa.Array]]:
    whole = pa.array(values, kind)
    for start in {0, len(values) // 3, len(values)}:
        yield values[start:], whole.slice(start)


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.booleans()), max_size=40))
def test_arrow_flags_are_read_from_any_place(values: list[object]) -> None:
    for expected, column in slices(values, pa.bool_()):
        assert flags_of(column).tolist() == [value is True for value in expected]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=400))
def test_codes_keep_what_is_absent_apart(values: list[object]) -> None:
    for expected, column in slices(values, pa.string()):
        coded = column.dictionary_encode()
        texts = [*coded.dictionary.to_pylist(), None]
        assert [texts[code] for code in codes_of(coded, absent=len(texts) - 1).tolist()] == expected


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.sampled_from(("ß", "İ", "A", ""))), max_size=30))
def test_texts_are_folded_as_python_does(values: list[object]) -> None:
    for expected, column in slices(values, pa.string()):
        assert fold(column).to_pylist() == [None if text is None else str(text).casefold() for text in expected]


@given(st.lists(st.one_of(st.none(), st.lists(st.sampled_from("abc"), max_size=3)), max_size=30), st.booleans())
def test_entries_of_lists_keep_their_rows(values: list[list[str] | None], hidden: bool) -> None:  # noqa: FBT001
    whole = pa.array(values, pa.list_(pa.string()))
    if hidden:  # a list that is null may still have entries behind it
        gaps = pa.array([value is None for value in values], pa.bool_())
        full = pa.array([value or ["x"] for value in values], pa.list_(pa.string()))
        whole = pa.ListArray.from_arrays(full.offsets, full.values, mask=gaps)
        values = [None if value is None else value or ["x"] for value in values]
    for start in {0, len(values) // 3, len(values)}:
        rows, entries = entries_of(whole.slice(start))
        expected = [(row, entry) for row, own in enumerate(values[start:]) for entry in own or ()]
        assert list(zip(rows.tolist(), entries.to_pylist(), strict=True)) == expected


@given(st.lists(st.text("0aAäfFzZ[@`{", min_size=8, max_size=9), max_size=12, unique=True))
def test_beginnings_ascend_with_their_ids_or_are_not_given(ids: list[str]) -> None:
    for expected, column in slices(list(ids), pa.string()):
        found = id_prefixes(column)
        letters = [str(text).encode().lower() for text in expected]
        starts = [text[:8] for text in letters]
        usable = len({len(text) for text in letters}) == 1 and all(one <= other for one, other in pairwise(starts))
        assert (found is not None) == usable
        if found is not None:
            assert found.tolist() == [int.from_bytes(text) for text in starts]
