"""Dates as Graph writes them into timestamps, and which of them were no dates at all."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from auditor.snapshot.from_graph import instant

_UTC = pa.timestamp("us", tz="UTC")
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds from 1970 to the beginning of the year 1 and to the end of 9999."""


def timestamps(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return (timestamps, mask of texts that are no dates); empty texts and the year 1 mean that there is none."""
    never = pc.fill_null(pc.or_(pc.equal(texts, ""), pc.starts_with(texts, "0001-")), False)  # noqa: FBT003
    kept = pc.if_else(never, pa.scalar(None, pa.string()), texts)
    nothing = pa.array([False] * 0, pa.bool_())
    try:
        return _in_range(kept.cast(_UTC)), nothing
    except pa.ArrowInvalid:
        # Graph writes up to seven digits of a second; Arrow keeps six.
        shorter = pc.replace_substring_regex(kept, r"(\.\d{6})\d+", r"\1")
    try:
        return _in_range(shorter.cast(_UTC)), nothing
    except pa.ArrowInvalid:
        return _one_by_one(shorter)


def _in_range(moments: pa.Array) -> pa.Array:
    """Return instants when all are of the years that Python's dates have; ArrowInvalid where one is not."""
    least, most = pc.min_max(moments.cast(pa.int64())).as_py().values()
    if least is not None and (least < _FIRST or most > _LAST):
        raise pa.ArrowInvalid("an instant before the year 1 or after 9999")
    return moments


def _one_by_one(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    known: dict[str, datetime | None] = {}
    wrong: set[str] = set()
    for text in texts.unique().to_pylist():
        if text is None:
            continue
        try:
            known[text] = instant(text)
        except (ValueError, OverflowError):
            wrong.add(text)
    values = [None if text is None else known.get(text) for text in texts.to_pylist()]
    return pa.array(values, _UTC), pc.fill_null(pc.is_in(texts, value_set=pa.array(sorted(wrong), pa.string())), False)  # noqa: FBT003
