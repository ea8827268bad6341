"""Messages about mistakes in the syntax of YAML: what is wrong, where, and what to write instead."""

import pytest

from auditor.domain.errors import Diagnostic, InputError
from auditor.policy.yaml.reader import parse


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        parse(text, file="f.yaml")
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  b: 1\n\tc: 2\n", "a tab indents the line"),
        ("a: |\n\tb\n", "a tab indents the line"),
        ("a: - b\n", "a list cannot begin on the line of its key"),
        ("a: {b:}\n", "a ':' appears where no key is allowed"),
        ("a:\n- name:b\n  id: 1\n", "there is no space after the ':' of the key 'name'"),
        ("a: 'it's'\n", "unexpected text after the closing quote"),
        ('a: "b" c\n', "unexpected text after the closing quote"),
        ("- a: b\n   c: d\n", "the line is indented further than line 1, which has its value already"),
        ("- a b\n\n  c: d\n", "line 1 has no key with a ':', so that this line continues its text"),
        ("a: b: c\n", "a ':' appears where no key is allowed"),
        ("a: [,]\n", "a value is missing"),
        ("a: 'b\nc: d\n", "the quote that opens here is never closed"),
        ("a: b\nc\n", "the line is neither a value nor a key with a ':' after it"),
        ("a: {b: c}}\n", "this text comes after the end of the value"),
        ("{a: 1}}\n", "this text comes after the end of the value"),
        ("a: {b: c: d}\n", "the '{' on line 1 has no closing '}', or a ',' is missing"),
    ],
)
def test_common_syntax_errors_have_a_readable_message_and_a_hint(text: str, message: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.message == message
    assert mistake.hint is not None


def test_hint_names_the_bracket_that_closes_the_value() -> None:
    assert [str(mistake.hint) for mistake in mistakes("a: {b: [c}\n")] == ["close the list with ']'"]
    assert [str(mistake.hint) for mistake in mistakes("a: [{b: c]\n")] == ["close the mapping with '}'"]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("- a: b\n   c: d\n", (2, 4, 6)),
        ("- a b\n\n  c: d\n", (3, 3, 5)),
        ("a: b: c\n", (1, 5, None)),
    ],
)
def test_key_that_continues_a_text_is_reported_itself(text: str, position: tuple[int, int, int | None]) -> None:
    (mistake,) = mistakes(text)
    assert mistake.span is not None
    assert (mistake.span.line, mistake.span.column, mistake.span.end_column) == position


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: [b\n", "close the list with ']'"),
        ("a: {b: c\n", "close the mapping with '}'"),
        ("a: b\nc:\u00a0d\n", "replace the non-breaking space in column 3 of line 2 with a space"),
        ("a: b\n\u00a0c: d\n   e: f\n", "replace the non-breaking space in column 1 of line 2 with a space"),
        ("{a: 35,70}\n", "write 35.70, without currency, spaces or thousands separators"),
        ("{a: b, 70: c}\n", "write '70' in quotes"),
    ],
)
def test_hint_corrects_the_mistake(text: str, hint: str) -> None:
    assert [str(mistake.hint) for mistake in mistakes(text)] == [hint]
