"""Messages about YAML: common mistakes, and lines of files with unusual line breaks."""

from typing import Any

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
        ('a: "C:\\users"\n', "a backslash is before a character that it cannot escape"),
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
        ("a: b\nc: [d, e\nf: g\n", (2, 4)),
        ("- {a: b,\n   c: d\n- e\n", (1, 3)),
        ("c: [d,\n  e: {f: g\n  h: i}]\n", (2, 6)),
        ("c: {d: e,\n  f: g\n  h: i}\n", (3, 4)),
    ],
)
def test_bracket_that_is_not_closed_is_reported_where_it_opens(text: str, position: tuple[int, int]) -> None:
    (mistake,) = mistakes(text)
    assert mistake.span is not None
    assert (mistake.span.line, mistake.span.column) == position


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "||||||| 1c6c383", "=======", ">>>>>>> branch"])
def test_first_marker_of_a_merge_conflict_is_reported(marker: str) -> None:
    (mistake,) = mistakes(f"a: {{b: c\nd: e\n{marker}\nf: g\n>>>>>>> branch\n")
    assert mistake.message == "the line is a marker of a merge conflict"
    assert mistake.span is not None
    assert (mistake.span.line, mistake.span.column, mistake.span.end_column) == (3, 1, len(marker) + 1)


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


BREAKS = ["\x85", "\u2028", "\u2029"]


def value(text: str) -> Any:
    return parse(text.encode(), file="p.yaml").value


@pytest.mark.parametrize("sign", BREAKS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: x{}y\nb: 2\n", {"a": "x{}y", "b": 2}),
        ("a: 'x{}y'\n", {"a": "x{}y"}),
        ('a: "x{}  y"\n', {"a": "x{}  y"}),
        ("a: |\n  x{}y\n  z\n", {"a": "x{}y\nz\n"}),
        ("a: >\n  x{}y\n  z\n", {"a": "x{}y z\n"}),
        ("a: {{b: x{}y, 'c{}': [z{}]}}\n", {"a": {"b": "x{}y", "c{}": ["z{}"]}}),
        ("x{}y: 1\n", {"x{}y": 1}),
        # The rest of the line belongs to the comment, so no key is hidden from a YAML 1.2 reader.
        ("a: 1\n# hidden{}b: 2\n", {"a": 1}),
        ("a: \U000f0000{}\U00100000\n", {"a": "\U000f0000{}\U00100000"}),
    ],
)
def test_unicode_line_separators_are_kept_in_values(text: str, expected: Any, sign: str) -> None:
    assert value(text.replace("{}", sign).replace("{{", "{").replace("}}", "}")) == _with(expected, sign)


def _with(expected: Any, sign: str) -> Any:
    match expected:
        case dict():
            return {_with(key, sign): _with(item, sign) for key, item in expected.items()}
        case list():
            return [_with(item, sign) for item in expected]
        case str():
            return expected.replace("{}", sign)
        case _:
            return expected


@pytest.mark.parametrize("sign", [*BREAKS, "".join(BREAKS)])
def test_unicode_line_separators_do_not_count_as_lines(sign: str) -> None:
    document = parse(f"a: 'x{sign}y'\r\nb: [1, z{sign}]\rc: 3\n".encode(), file="p.yaml")
    span = document.span(("b", 1))
    assert (span.line, span.column, span.text) == (2, 8, f"b: [1, z{sign}]")
    assert document.span(("c",)).line == 3
    with pytest.raises(InputError) as caught:
        parse(f"a: x{sign}y\nb: [1{sign}\n".encode(), file="p.yaml")
    assert caught.value.diagnostics[0].span is not None
    assert caught.value.diagnostics[0].span.line in {2, 3}
    with pytest.raises(InputError) as caught:
        parse(f"a: x{sign}y\nb{sign}: 1\nb{sign}: 2\n".encode(), file="p.yaml")
    assert [(item.slug, item.span.line) for item in caught.value.diagnostics if item.span] == [
        ("yaml-duplicate-key", 3)
    ]
