"""Shell globs match exactly as `fnmatch`, with every implementation, and without exponential backtracking."""

import fnmatch
import sys

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.domain.syntax.globs import automaton, backtracking_free, pattern_of
from auditor.engine.columns.strings import folded_column, glob_test

_GLOBS = st.text(st.sampled_from("ab*?[]!-ßİ.\\\n^"), max_size=12)
_TEXTS = st.lists(st.one_of(st.none(), st.text(st.sampled_from("abß[]!-İ.\\\n^"), max_size=12)), min_size=1, max_size=6)


def _fnmatches(glob: str, text: str | None) -> bool:
    return bool(text) and fnmatch.fnmatchcase(str(text).casefold(), glob.casefold())


@pytest.mark.slow
@example("a*a*a*a*b", ["aaaaaaaa", "aXaXaXab"])
@example("*a*b", ["ab", "bab", "ba"])
@example("[z-a]*", ["z"])
@example("[!z-a]", ["z"])
@given(_GLOBS, _TEXTS)
def test_every_implementation_of_globs_agrees_with_fnmatch(glob: str, values: list[str | None]) -> None:
    expected = [_fnmatches(glob, value) for value in values]
    assert [
        bool(value) and pattern_of(glob).fullmatch(str(value).casefold()) is not None for value in values
    ] == expected
    for distinct in (True, False):
        column = folded_column(pa.array(values, pa.string()), distinct=distinct)
        assert column.like((glob,)).tolist() == expected
        assert column.where(glob_test((glob,))).tolist() == expected
        assert column.where(glob_test((glob, "ab*"))).tolist() == [
            result or _fnmatches("ab*", value) for result, value in zip(expected, values, strict=True)
        ]


@pytest.mark.slow
@given(st.lists(_GLOBS, min_size=1, max_size=4), _TEXTS)
def test_globs_with_too_many_stars_for_the_automaton_agree_with_fnmatch(parts: list[str], values: list[str]) -> None:
    glob = "a*" * 9 + "*".join(parts)
    assert automaton((glob,)) is None
    column = folded_column(pa.array(values, pa.string()), distinct=False)
    assert column.where(glob_test((glob,))).tolist() == [_fnmatches(glob, value) for value in values]


@pytest.mark.parametrize(
    "glob", ["a*a*a*a*b", "*a*a*a*a*a*a*a*a*a*a*b", "a*" * 500 + "b", "?" * 5000 + "*a*b", "[" * 5000]
)
def test_glob_expression_cannot_backtrack_exponentially(glob: str) -> None:
    """Every star but the last is inside an atomic group, which the regular expression engine never re-enters."""
    expression = backtracking_free(glob)
    assert expression.count(".*?") == expression.count("(?>.*?")
    assert expression.replace(".*?", "").count(".*") <= 1
    assert pattern_of(glob).fullmatch("a" * 20_000) is None


@pytest.mark.slow
def test_glob_of_the_size_of_a_file_is_matched() -> None:
    """RE2 refuses patterns of that size; Python's `re` has no limit on groups that a policy file could reach."""
    glob = "a*" * 20_000
    assert glob_test((glob,))(pa.array(["a" * 20_000, "a", None])).to_pylist() == [True, False, None]
    assert sys.getrecursionlimit() < len(glob)
