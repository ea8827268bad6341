"""Glob matching on text columns agrees with Python's regular expressions for any text."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.syntax.globs import pattern_of
from auditor.engine.columns.strings import folded_column

_LETTERS = st.sampled_from(["a", "B", "ß", "é", "\0", "\n", "@", "-", "svc", "service-account", "."])
_WORDS = st.lists(_LETTERS, max_size=6).map("".join)
_GLOBS = st.lists(st.one_of(_LETTERS, st.sampled_from(["*", "?", "[ab]", "[!a]", "["])), min_size=1, max_size=6)


@pytest.mark.slow
@given(
    st.lists(st.one_of(st.none(), _WORDS), max_size=12),
    st.lists(_GLOBS.map("".join), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 3),
)
def test_like_matches_every_text_against_any_of_several_globs(
    values: list[str | None],
    globs: list[str],
    distinct: bool,  # noqa: FBT001  drawn
    skipped: int,
) -> None:
    column = pa.array(values, pa.string()).slice(skipped)
    matches = folded_column(column, distinct=distinct).like(tuple(globs)).tolist()
    patterns = [pattern_of(glob) for glob in globs]
    assert matches == [
        text is not None and text != "" and any(pattern.fullmatch(text.casefold()) for pattern in patterns)
        for text in values[skipped:]
    ]


@pytest.mark.parametrize("others", [0, 3000])
def test_like_matches_few_and_many_texts_equally(others: int) -> None:
    column = pa.array(["svc-a", "SVC-b@x", None, "svc", "other", "admin", *(f"user{n}" for n in range(others))])
    matches = folded_column(column, distinct=False).like(("svc-*@*", "*min")).tolist()
    assert matches == [False, True, False, False, False, True, *[False] * others]
