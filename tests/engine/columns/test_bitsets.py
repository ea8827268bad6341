"""Bitsets, codes and flags have the same results as plain loops over the same values, for any number of values."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.arrays.columns import codes_of, entries_of, flags_of
from auditor.engine.columns.bitsets import HoldingsCollector, has_multiple, intersects, pairs, patterns, sku_indices
from auditor.engine.columns.strings import fold, id_prefixes, looked_up

SIZES = st.sampled_from((0, 1, 8, 31, 32, 33, 63, 64, 65, 300))


@st.composite
def holdings(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    """A number of SKUs, and the indices of the SKUs that each user holds: up to 40, possibly with duplicates."""
    size = draw(SIZES)
    indices = st.lists(st.integers(0, max(0, size - 1)), max_size=40 if size else 0)
    return size, draw(st.lists(indices, max_size=12))


def collector_of(users: list[list[int]], size: int) -> HoldingsCollector:
    starts = np.concatenate(([0], np.cumsum([len(skus) for skus in users], dtype=np.int64))).astype(np.int64)
    return HoldingsCollector(starts, np.array([sku for skus in users for sku in skus], dtype=np.int64), size)


@pytest.mark.slow
@given(holdings(), st.randoms())
def test_collector_keeps_every_flagged_sku_of_every_user(case: tuple[int, list[list[int]]], random: object) -> None:
    size, users = case
    flags = [[random.random() < 0.5 for _ in skus] for skus in users]  # type: ignore[attr-defined]
    collector = collector_of(users, size)
    flagged = collector.where(np.array([flag for skus in flags for flag in skus], dtype=bool))
    expected = [
        {sku for sku, flag in zip(skus, flagged_skus, strict=True) if flag}
        for skus, flagged_skus in zip(users, flags, strict=True)
    ]
    assert [set(positions.tolist()) for positions in sku_indices(flagged)] == expected
    assert collector.doubled.tolist() == [row for row, skus in enumerate(users) if len(skus) > len(set(skus))]


@pytest.mark.slow
@given(holdings(), st.data())
def test_pairs_intersects_has_multiple_and_patterns_agree_with_sets(
    case: tuple[int, list[list[int]]], data: st.DataObject
) -> None:
    size, users = case
    users *= data.draw(
        st.sampled_from((1, 300))
    )  # both code paths: few bits are expanded at once, many are processed one by one
    held = collector_of(users, size).where(np.ones(sum(map(len, users)), dtype=bool))
    selected = data.draw(st.sets(st.integers(0, size - 1))) if size else set()
    row_flags = data.draw(st.lists(st.booleans(), min_size=12, max_size=12))
    row_mask = [row_flags[number % 12] for number in range(len(users))]
    products = np.array([sku in selected for sku in range(size)], dtype=bool)
    columns = pairs(held, products, np.array(row_mask, dtype=bool))
    expected = [(row, sku) for row, skus in enumerate(users) if row_mask[row] for sku in sorted(selected & set(skus))]
    assert list(zip(*(part.tolist() for part in columns), strict=True)) == expected
    assert intersects(held, products).tolist() == [bool(selected & set(skus)) for skus in users]
    assert has_multiple(held).tolist() == [len(set(skus)) > 1 for skus in users]
    pattern, distinct = patterns(held, np.arange(len(users)))
    positions = sku_indices(distinct)
    assert [positions[number].tolist() for number in pattern] == [sorted(set(skus)) for skus in users]
    assert len({tuple(sku_positions.tolist()) for sku_positions in positions}) == len(positions)


@given(st.lists(st.booleans(), max_size=300), st.data())
def test_flags_are_looked_up_by_code(flags: list[bool], data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, len(flags) - 1), max_size=50)) if flags else []
    kind = np.min_scalar_type(max(1, len(flags)))
    flags_of_codes = looked_up(np.array(flags, dtype=bool), np.array(codes, dtype=kind))
    assert flags_of_codes.tolist() == [flags[code] for code in codes]


def slices(values: list[object], kind: pa.DataType) -> Iterator[tuple[list[object], pa.Array]]:
    column = pa.array(values, kind)
    for start in {0, len(values) // 3, len(values)}:
        yield values[start:], column.slice(start)


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.booleans()), max_size=40))
def test_arrow_flags_are_read_at_any_offset(values: list[object]) -> None:
    for expected, column in slices(values, pa.bool_()):
        assert flags_of(column).tolist() == [value is True for value in expected]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=400))
def test_codes_distinguish_absent_values(values: list[object]) -> None:
    for expected, column in slices(values, pa.string()):
        coded = column.dictionary_encode()
        texts = [*coded.dictionary.to_pylist(), None]
        assert [texts[code] for code in codes_of(coded, absent=len(texts) - 1).tolist()] == expected


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.sampled_from(("ß", "İ", "A", ""))), max_size=30))
def test_fold_agrees_with_casefold(values: list[object]) -> None:
    for expected, column in slices(values, pa.string()):
        assert fold(column).to_pylist() == [None if text is None else str(text).casefold() for text in expected]


@given(st.lists(st.one_of(st.none(), st.lists(st.sampled_from("abc"), max_size=3)), max_size=30), st.booleans())
def test_entries_of_lists_keep_their_rows(values: list[list[str] | None], hidden: bool) -> None:  # noqa: FBT001
    column = pa.array(values, pa.list_(pa.string()))
    if hidden:  # a null list may still have entries in the values array
        gaps = pa.array([value is None for value in values], pa.bool_())
        full = pa.array([value or ["x"] for value in values], pa.list_(pa.string()))
        column = pa.ListArray.from_arrays(full.offsets, full.values, mask=gaps)
        values = [None if value is None else value or ["x"] for value in values]
    for start in {0, len(values) // 3, len(values)}:
        rows, entries = entries_of(column.slice(start))
        expected = [(row, entry) for row, lists in enumerate(values[start:]) for entry in lists or ()]
        assert list(zip(rows.tolist(), entries.to_pylist(), strict=True)) == expected


@given(st.lists(st.text("0aAäfFzZ[@`{", min_size=8, max_size=9), max_size=12, unique=True))
def test_id_prefixes_ascend_with_their_ids_or_are_none(ids: list[str]) -> None:
    for expected, column in slices(list(ids), pa.string()):
        prefixes = id_prefixes(column)
        ids_lower = [str(text).encode().lower() for text in expected]
        starts = [text[:8] for text in ids_lower]
        usable = len({len(text) for text in ids_lower}) == 1 and all(
            first <= second for first, second in pairwise(starts)
        )
        assert (prefixes is not None) == usable
        if prefixes is not None:
            assert prefixes.tolist() == [int.from_bytes(text) for text in starts]
