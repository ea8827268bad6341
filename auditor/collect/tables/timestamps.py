"""Parses Graph's dates into timestamps and marks texts that are not dates."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.instants import INSTANT
from auditor.snapshot.from_graph import instant

_MIN_MICROSECONDS, _MAX_MICROSECONDS = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds from 1970 to the beginning of the year 1 and to the end of 9999."""


def timestamps(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return timestamps and a mask of texts that are not dates; an empty text or the year 1 becomes null."""
    never = pc.fill_null(pc.or_(pc.equal(texts, ""), pc.starts_with(texts, "0001-")), False)  # noqa: FBT003
    dates = pc.if_else(never, pa.scalar(None, pa.string()), texts)
    no_errors = pa.array([False] * 0, pa.bool_())
    try:
        return _in_range(dates.cast(INSTANT)), no_errors
    except pa.ArrowInvalid:
        # Graph writes up to seven fractional digits; Arrow parses six.
        truncated = pc.replace_substring_regex(dates, r"(\.\d{6})\d+", r"\1")
    try:
        return _in_range(truncated.cast(INSTANT)), no_errors
    except pa.ArrowInvalid:
        return _parse_one_by_one(truncated)


def _in_range(instants: pa.Array) -> pa.Array:
    """Return the timestamps if all are in the range of Python's datetime; else raise ArrowInvalid."""
    first, last = pc.min_max(instants.cast(pa.int64())).as_py().values()
    if first is not None and (first < _MIN_MICROSECONDS or last > _MAX_MICROSECONDS):
        raise pa.ArrowInvalid("an instant before the year 1 or after 9999")
    return instants


def _parse_one_by_one(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    instants: dict[str, datetime | None] = {}
    wrong: set[str] = set()
    for text in texts.unique().to_pylist():
        if text is None:
            continue
        try:
            instants[text] = instant(text)
        except (ValueError, OverflowError):
            wrong.add(text)
    values = [None if text is None else instants.get(text) for text in texts.to_pylist()]
    errors = pc.is_in(texts, value_set=pa.array(sorted(wrong), pa.string()))
    return pa.array(values, INSTANT), pc.fill_null(errors, False)  # noqa: FBT003
