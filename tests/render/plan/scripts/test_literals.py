"""PowerShell literals: every value is parsed back unchanged, and no text escapes its quotes or comment."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.render.plan.scripts.data_block import comment
from auditor.render.plan.scripts.literals import literal
from tests.builders.document.powershell import Script

TEXTS = st.text(st.characters()) | st.text(
    st.sampled_from("'\u2018\u2019\u201a\u201b\"`$(){}#<>\r\n\0\u202e\ud800ab \t@;")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**9) | TEXTS,
    lambda inner: (
        st.lists(TEXTS, max_size=3)
        | st.lists(st.dictionaries(TEXTS, inner, max_size=3), max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)


def read(expression: str) -> Any:
    script = Script(f"$X = @{{\n    a = {expression}\n}}\n$Y = @{{ b = 1 }}\n".encode())
    assert script.commands == []
    assert script.literals["$Y"] == {"b": 1}
    return script.literals["$X"]["a"]


def units(value: Any) -> Any:
    """The value with its texts encoded as UTF-16, PowerShell's character encoding."""
    match value:
        case str():
            return value.encode("utf-16-be", "surrogatepass")
        case dict():
            return {units(name): units(item) for name, item in value.items()}
        case list():
            return [units(item) for item in value]
        case _:
            return value


@pytest.mark.slow
@given(TEXTS)
def test_literal_of_a_text_is_one_printable_line(text: str) -> None:
    assert literal(text).isprintable()
    assert units(read(literal(text))) == units(text)


@pytest.mark.slow
@given(VALUES)
def test_literal_is_parsed_back_to_the_same_value(value: Any) -> None:
    assert units(read(literal(value, indent=4))) == units(value)


@given(TEXTS)
def test_comment_keeps_any_text_on_one_line(text: str) -> None:
    comment_line = comment(f"1. {text}", indent=4)
    script = Script(f"{comment_line}\n$Y = @{{ b = 1 }}\n".encode())
    assert script.comments == [comment_line.lstrip()]
    assert script.literals == {"$Y": {"b": 1}}


@given(st.text(st.characters(codec="ascii"), max_size=9), st.integers(0, 22), st.integers(0, 9))
@example("1.1:", 0, 0)
def test_comment_is_not_taken_for_a_signature(text: str, index: int, cut: int) -> None:
    # PowerShell's tokenizer ends a script at such a comment: Tokenizer.ScanToEndOfCommentLine, edit distance below 10.
    signature = "sig#beginsignatureblock"
    comment_line = comment(signature[:index] + text + signature[index + cut :]).removeprefix("#")
    compared = "".join(comment_line.lower().split()) + "\n"
    assert len(compared) > len(signature) + 1 + 10


def test_literal_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="set has no literal"):
        literal({1})


def test_comment_has_the_no_break_spaces_of_amounts_as_spaces() -> None:
    assert comment("1. 1\u00a0309,15 \u20ac \u202e") == "# 1. 1 309,15 \u20ac \\u202e"
