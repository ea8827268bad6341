"""YAML 1.2 reader: parsed values, locations and errors."""

import json
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import Diagnostic, InputError, format_diagnostic, one_line
from auditor.policy.yaml.reader import MAX_BYTES, MAX_DEPTH, Document, parse


def value(text: str | bytes) -> Any:
    return parse(text, file="f.yaml").value


def mistakes(text: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(InputError) as caught:
        parse(text, file="f.yaml")
    return caught.value.diagnostics


def positions(text: str | bytes) -> list[tuple[str, int, int]]:
    return [(item.slug, item.span.line, item.span.column) for item in mistakes(text) if item.span is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("Off", "Off"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("010", 10),
        ("-010", -10),
        ("+4", 4),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("2027-01-31", "2027-01-31"),
        ("2026-11-20T02:17:00Z", "2026-11-20T02:17:00Z"),
        ("5%", "5%"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("False", False),
        ("'true'", "true"),
        ('"5"', "5"),
        ("''", ""),
        ("!!str NO", "NO"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float 12", 12.0),
        ("!!bool true", True),
        ("!!null ''", None),
        ("='x'", "='x'"),
        ("VISIO*", "VISIO*"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">\n  a\n  b\n", "a b\n"),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("{a, b}", {"a": None, "b": None}),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, expected: object) -> None:
    parsed = value(f"k: {text}")
    assert parsed == {"k": expected}
    assert type(parsed["k"]) is type(expected)


def test_yaml_1_1_booleans_and_dates_are_text_keys() -> None:
    assert value("NO: 1\non: 2\n2027-01-31: 3\n") == {"NO": 1, "on": 2, "2027-01-31": 3}


def test_aliases_are_resolved() -> None:
    assert value("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_json_surrogate_pairs_are_combined() -> None:
    expected = {"a": ["\U0001f600", "x\U0010ffffy", "\\ud83d\\ude00", "\\\U0001f600", "é\x85\u2028"]}
    assert value(json.dumps(expected)) == expected
    assert value(json.dumps(expected, indent="\t").replace(": ", " :\t")) == expected
    assert positions('{"a": "\\ud83d"}') == positions('{"a": "\\ude00\\ud83d"}') == [("yaml-syntax", 1, 10)]


@pytest.mark.parametrize(
    "text", ["﻿a: 1\n", b"\xef\xbb\xbfa: 1\n", "%YAML 1.2\n---\na: 1\n", "---\na: 1\n...\n", "a: 1\r\n"]
)
def test_byte_order_mark_and_document_markers_are_ignored(text: str | bytes) -> None:
    assert value(text) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("yaml-empty", 1, 1)]),
        ("# only\n# comments\n", [("yaml-empty", 1, 1)]),
        ("---\n", [("yaml-empty", 1, 1)]),
        ("a: 1\n---\nb: 2\n", [("yaml-several-documents", 2, 1)]),
        ("---\n---\n", [("yaml-several-documents", 2, 1)]),
        ("%YAML 1.1\n---\na: NO\n", [("yaml-version", 1, 1)]),
        ("# c\n%YAML 1.3\n---\na: 1\n", [("yaml-version", 2, 1)]),
        ("a: 1\nb: 2\na: 3\n", [("yaml-duplicate-key", 3, 1)]),
        ("a: 1\n'a': 3\n", [("yaml-duplicate-key", 2, 1)]),
        ("x: {b: 1, b: 2, b: 3}", [("yaml-duplicate-key", 1, 11), ("yaml-duplicate-key", 1, 17)]),
        (
            "1: a\ntrue: b\n~: c\n? [d]\n: e\n",
            [("yaml-key", 1, 1), ("yaml-key", 2, 1), ("yaml-key", 3, 1), ("yaml-key", 4, 3)],
        ),
        ("title: {{ name }}", [("yaml-key", 1, 9)]),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", [("yaml-merge-key", 3, 3)]),
        ("a: !secret b\n", [("yaml-tag", 1, 4)]),
        ("a: !!timestamp 2027-01-31\n", [("yaml-tag", 1, 4)]),
        ("a: !!python/object:os.system {}\n", [("yaml-tag", 1, 4)]),
        ("a: !!set [b]\n", [("yaml-tag", 1, 4)]),
        ("a: !!int x\n", [("yaml-tag", 1, 4)]),
        ("a: !!bool 1\n", [("yaml-tag", 1, 4)]),
        ("a: .inf\nb: -.INF\nc: .nan\n", [("yaml-number", 1, 4), ("yaml-number", 2, 4), ("yaml-number", 3, 4)]),
        ("a: 1e999\n", [("yaml-number", 1, 4)]),
        (f"a: {'9' * 5000}\n", [("yaml-number", 1, 4)]),
        (f"a: 0x{'f' * 5000}\n", [("yaml-number", 1, 4)]),
        ("a: &x [*x]\n", [("yaml-alias", 1, 4)]),
        ("a: *x\n", [("yaml-syntax", 1, 4)]),
        ("allow: *\n", [("yaml-syntax", 1, 8)]),
        ("allow: [*E5]\n", [("yaml-syntax", 1, 9)]),
        ("a:\n\t- b\n", [("yaml-syntax", 2, 1)]),
        ("a:\n  b: 1\n\tc: 2\n", [("yaml-syntax", 3, 1)]),
        ("a: 1\n...\n# c\nb: 2\n", [("yaml-several-documents", 4, 1)]),
        ("{a: 1}}\n", [("yaml-syntax", 1, 7)]),
        ("a: @b\n", [("yaml-syntax", 1, 4)]),
        ("a: b: c\n", [("yaml-syntax", 1, 5)]),
        ("a:\n- name:b\n\n  id: 1\n", [("yaml-syntax", 2, 3)]),
        ("a:1\nb: 1\n", [("yaml-syntax", 1, 1)]),
        ("a: 1\nb:2\nc: 3\n", [("yaml-syntax", 2, 1)]),
        ("a: 1\nb:2\n", [("yaml-syntax", 2, 1)]),
        ("a:\n- b:c\nd: e: f\n", [("yaml-syntax", 3, 5)]),
        ("a:\n- https://b\n  c: d\n", [("yaml-syntax", 3, 4)]),
        ("a: 'b\nc: d\n", [("yaml-syntax", 1, 4)]),
        ("a: [1, 2\nb: 3\n", [("yaml-syntax", 1, 4)]),
        ("a: {b: 1\n", [("yaml-syntax", 1, 9)]),
        ("a: 1\nword\n", [("yaml-syntax", 2, 1)]),
        ('a: "\\q"\n', [("yaml-syntax", 1, 5)]),
        ("a: [1,,2]\n", [("yaml-syntax", 1, 7)]),
        ("a:\n  - b\n c: d\n", [("yaml-syntax", 3, 2)]),
        ("- &a 1\n- &a 2\n", [("yaml-syntax", 2, 3)]),
        ("%FOO x\n---\na: 1\n", [("yaml-syntax", 1, 5)]),
        (b"a: 1\nb: \xff\n", [("yaml-encoding", 2, 4)]),
        (b"\xff\xfea\0:\0", [("yaml-encoding", 1, 1)]),
        (b"a\0:\0 \0b\0", [("yaml-encoding", 1, 1)]),
        ("a: b\0\n", [("yaml-character", 1, 5)]),
        ("a: \x1b[31m\n", [("yaml-character", 1, 4)]),
        ("a: \ud800\n", [("yaml-character", 1, 4)]),
    ],
)
def test_error_is_reported_with_its_location(text: str | bytes, expected: list[tuple[str, int, int]]) -> None:
    assert positions(text) == expected


@pytest.mark.parametrize("code", [0x00, 0x1F, 0x7F, 0x80, 0x84, 0x86, 0x9F, 0xD800, 0xDFFF, 0xFEFF, 0xFFFF])
def test_forbidden_character_is_reported_after_non_ascii_text(code: int) -> None:
    assert positions(f"a: é\nb: 'ü{chr(code)}'\n") == [("yaml-character", 2, 6)]


@pytest.mark.parametrize(
    "code", [0x20, 0x7E, 0x85, 0xA0, 0xAD, 0x378, 0x200B, 0x2003, 0x2028, 0x2029, 0xE000, 0xFFFD, 0x1F600, 0x10FFFF]
)
def test_allowed_characters_are_kept(code: int) -> None:
    assert value(f"a: 'ü{chr(code)}b'\r\nc: 1\n") == {"a": f"ü{chr(code)}b", "c": 1}


@pytest.mark.parametrize(
    ("text", "block"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            (
                "f.yaml:3:1: error[yaml-duplicate-key]: the key 'a' appears twice, first on line 1\n"
                "   | a: 3\n   | ^\n   = help: keep one of them"
            ),
        ),
        (
            "allow: [*]\n",
            (
                "f.yaml:1:9: error[yaml-syntax]: '*' must be followed by a name or be in quotes\n"
                "   | allow: [*]\n   |         ^\n   = help: write '*' in quotes if it is part of the value"
            ),
        ),
        (
            "users:\n\taccountEnabled: false\n",
            (
                "f.yaml:2:1: error[yaml-syntax]: a tab indents the line\n"
                "   |     accountEnabled: false\n   | ^^^^\n   = help: YAML is indented with spaces"
            ),
        ),
    ],
)
def test_formatted_error_has_source_line_and_hint(text: str, block: str) -> None:
    assert [format_diagnostic(item) for item in mistakes(text)] == [block]


def test_all_errors_are_reported_together() -> None:
    assert positions("a: !x 1\na: 2\n3: 4\n") == [("yaml-tag", 1, 4), ("yaml-duplicate-key", 2, 1), ("yaml-key", 3, 1)]


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert [item.slug for item in mistakes("\n".join(lines))] == ["yaml-too-large"]


def test_deeply_nested_file_is_refused_without_a_crash() -> None:
    assert positions("[" * 500_000) == [("yaml-too-deep", 1, MAX_DEPTH)]
    assert value("[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1))


def test_file_above_the_size_limit_is_refused() -> None:
    assert [item.slug for item in mistakes(b"#" * (MAX_BYTES + 1))] == ["yaml-too-large"]
    assert value(b"a: 1\n" + b"#" * (MAX_BYTES - 5)) == {"a": 1}


LOCATIONS = "a: {b: [1, 'y'], é: 2}\n名前: &x hello\nd: *x\ne:\nf: |\n  text\ng:\n  - h: 1\n    i: 2\n"


@pytest.mark.parametrize(
    ("path", "key", "position"),
    [
        ((), False, (1, 1, None)),
        (("a",), True, (1, 1, 2)),
        (("a",), False, (1, 4, 23)),
        (("a", "b"), True, (1, 5, 6)),
        (("a", "b"), False, (1, 8, 16)),
        (("a", "b", 1), False, (1, 12, 15)),
        (("a", "b", 1), True, (1, 12, 15)),
        (("a", "é"), False, (1, 21, 22)),
        (("名前",), True, (2, 1, 3)),
        (("名前",), False, (2, 5, 13)),
        (("d",), True, (3, 1, 2)),
        (("d",), False, (2, 5, 13)),
        (("e",), True, (4, 1, 2)),
        (("e",), False, (4, 3, None)),
        (("f",), False, (5, 4, None)),
        (("g", 0), False, (8, 5, None)),
        (("g", 0, "i"), False, (9, 8, 9)),
        (("absent", "deeper"), True, (1, 1, None)),
        (("a", "absent"), True, (1, 4, 23)),
        (("a", "b", 9), False, (1, 8, 16)),
        (("a", 0), False, (1, 4, 23)),
        (("g", "h"), False, (8, 3, None)),
    ],
)
def test_span_of_a_path(path: tuple[str | int, ...], *, key: bool, position: tuple[int, int, int | None]) -> None:
    span = parse(LOCATIONS, file="f.yaml").span(path, key=key)
    assert (span.line, span.column, span.end_column) == position
    assert span.text == LOCATIONS.splitlines()[span.line - 1]


# JSON escapes characters beyond U+FFFF as surrogate pairs, which YAML does not have.
strings = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
plain_values = st.recursive(
    st.none() | st.booleans() | numbers | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(plain_values.filter(lambda item: item is not None))
def test_json_is_parsed_like_json(item: object) -> None:
    # ensure_ascii escapes the line breaks and control characters that a YAML file cannot contain.
    document = parse(json.dumps(item), file="f.yaml")
    assert document.value == item
    assert_spans(document)


@pytest.mark.slow
@given(st.binary(max_size=60) | st.text(max_size=60) | st.text("ab:{}[]-&*!|>'\"%#?, \n\t<0.", max_size=40))
def test_any_input_is_a_document_or_an_error_with_a_location(text: bytes | str) -> None:
    try:
        document = parse(text, file="f.yaml")
    except InputError as error:
        for item in error.diagnostics:
            assert item.span is not None
            assert item.span.line >= 1
            assert item.span.column >= 1
            assert one_line(item).isprintable()
            assert format_diagnostic(item)
    else:
        assert_spans(document)


def assert_spans(document: Document) -> None:
    """Walk the value, and assert that the span of each integer contains its text."""
    open_paths: list[tuple[tuple[str | int, ...], object]] = [((), document.value)]
    while open_paths:
        path, item = open_paths.pop()
        span = document.span(path)
        if isinstance(item, dict):
            open_paths += [((*path, key), inner) for key, inner in item.items()]
        elif isinstance(item, list):
            open_paths += [((*path, index), inner) for index, inner in enumerate(item)]
        elif isinstance(item, int) and not isinstance(item, bool) and span.end_column is not None:
            source = span.text[span.column - 1 : span.end_column - 1]
            assert value(f"k: {source}") == {"k": item} or source.startswith(("&", "!"))


def test_no_is_text_unlike_in_yaml_1_1() -> None:
    assert pyyaml.safe_load("NO") is False
    assert value("[NO]") == ["NO"]
