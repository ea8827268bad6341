"""Formatting of diagnostics and errors for people."""

import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import (
    AuditorError,
    Diagnostic,
    InputError,
    Level,
    SettingsError,
    Span,
    format_diagnostic,
    one_line,
    printable,
)
from auditor.domain.message import Message


def diagnostic(text: str, column: int, end: int | None = None, **more: str) -> Diagnostic:
    span = Span(file="policies/leavers.yaml", line=14, column=column, end_column=end, text=text)
    return Diagnostic(slug="policy-unknown-property", message=more.pop("message", "m"), span=span, **more)  # type: ignore[arg-type]


def test_formatted_diagnostic_has_location_message_source_line_and_hint() -> None:
    item = diagnostic(
        "    users: {acountEnabled: false}",
        13,
        26,
        message="unknown property 'acountEnabled'",
        hint="did you mean 'accountEnabled'?",
    )
    assert format_diagnostic(item) == (
        "policies/leavers.yaml:14:13: error[policy-unknown-property]: unknown property 'acountEnabled'\n"
        "   | users: {acountEnabled: false}\n"
        "   |         ^^^^^^^^^^^^^\n"
        "   = help: did you mean 'accountEnabled'?"
    )
    assert one_line(item) == "policies/leavers.yaml:14:13: unknown property 'acountEnabled'"


def test_diagnostic_without_a_location_is_one_line() -> None:
    item = Diagnostic(slug="x", message=Message("m"), level=Level.WARNING)
    assert (format_diagnostic(item), one_line(item)) == ("warning[x]: m", "m")


@pytest.mark.parametrize(
    ("text", "column", "end", "source", "caret"),
    [
        ("\ta:\tb", 5, 6, "a:  b", "    ^"),
        ("漢字: x", 5, 6, "漢字: x", "      ^"),
        ("漢字: x", 1, 3, "漢字: x", "^^^^"),
        ("e\u0301: x", 5, 6, "e\u0301: x", "   ^"),
        ("a\x1b[31m: x", 1, 7, "a\\x1b[31m: x", "^^^^^^^^^"),
        ("\u202ea: x", 2, 3, "\\u202ea: x", "      ^"),
        ("abc", 99, None, "abc", "   ^"),
        ("abc", 1, 99, "abc", "^^^"),
        ("abc", 2, 2, "abc", " ^"),
    ],
)
def test_caret_is_below_its_text(text: str, column: int, end: int | None, source: str, caret: str) -> None:
    assert format_diagnostic(diagnostic(text, column, end)).splitlines()[1:] == [f"   | {source}", f"   | {caret}"]


@pytest.mark.parametrize("column", [1, 40, 2_500, 4_990, 5_000])
def test_long_source_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(5_000))
    _, source, caret = format_diagnostic(diagnostic(text, column, column + 1)).splitlines()
    assert len(source) < 120
    assert source[caret.index("^")] == text[column - 1]


def test_mistakes_on_one_long_line_take_time_in_proportion_to_their_number() -> None:
    """A policy file that a program wrote can be one line."""
    text = '{"policies": [' + '{"idd": "p"}, ' * 5000 + "]}"
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    def calls_of(mistakes: int) -> int:
        nonlocal calls
        items = [diagnostic(text, column * 14) for column in range(1, mistakes + 1)]
        calls = 0
        sys.setprofile(count)
        try:
            for item in items:
                format_diagnostic(item)
        finally:
            sys.setprofile(None)
        return calls

    calls_of(1)
    assert calls_of(200) - calls_of(100) < 100_000


def test_error_text_is_one_line_and_errors_can_be_pickled() -> None:
    diagnostics = (diagnostic("a: b", 1, message="one\ntwo"), diagnostic("a: b", 2))
    error = InputError(diagnostics)
    assert str(error) == "policies/leavers.yaml:14:1: one\\x0atwo (and 1 more)"
    assert (error.slug, error.message, error.span) == ("policy-unknown-property", "one\ntwo", diagnostics[0].span)
    settings = SettingsError("settings-missing", Message("no such file"), hint=Message("make one"))
    for item in (error, settings):
        unpickled = pickle.loads(pickle.dumps(item))
        assert (type(unpickled), unpickled.diagnostics, str(unpickled)) == (type(item), item.diagnostics, str(item))
        assert isinstance(unpickled, AuditorError)


def test_input_error_needs_a_diagnostic() -> None:
    with pytest.raises(ValueError, match="says nothing"):
        InputError(())


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.slow
@given(
    st.text(st.characters(exclude_characters="\n\r"), max_size=300),
    st.integers(1, 320),
    st.none() | st.integers(1, 320),
)
def test_any_source_line_can_be_formatted(text: str, column: int, end: int | None) -> None:
    lines = format_diagnostic(diagnostic(text, column, end)).splitlines()
    assert len(lines) == (3 if text.strip() else 1)
    assert all(set(line.removeprefix("   | ")) <= {" ", "^"} for line in lines[2:])
