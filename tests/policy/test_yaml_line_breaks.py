"""U+0085, U+2028 and U+2029 are ordinary characters in YAML 1.2, not line breaks."""

from typing import Any

import pytest

from auditor.domain.errors import InputError
from auditor.policy.yaml.reader import parse

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
