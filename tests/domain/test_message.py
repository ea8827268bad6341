"""A message is its English text, and remembers what it was made of."""

import copy
import pickle
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.message import (
    NOTHING,
    Message,
    alternatives,
    decoded,
    detailed,
    encoded,
    enumeration,
    joined,
    message_of,
    restored,
)

INNER = Message("the file {path} is empty", path="a.yaml")
OUTER = Message("not before {day}: {reason}", day=date(2026, 12, 3), reason=INNER)
GERMAN = {"not before {day}: {reason}": "{reason}; nicht vor {day}", "the file {path} is empty": "{path} ist leer"}


def german(template: str) -> str:
    return GERMAN.get(template, template)


def test_a_message_is_its_english_text() -> None:
    assert OUTER == "not before 2026-12-03: the file a.yaml is empty"
    assert (OUTER.id, OUTER.arguments) == (
        "not before {day}: {reason}",
        {"day": date(2026, 12, 3), "reason": INNER},
    )


def test_values_go_where_the_language_wants_them() -> None:
    assert OUTER.translated(german, lambda day: f"{day:%d.%m.%Y}") == "a.yaml ist leer; nicht vor 03.12.2026"


def test_only_days_are_written_as_the_language_does() -> None:
    message = Message("{at}: {count}", at=datetime(2026, 12, 3, tzinfo=UTC), count=5)
    assert message.translated(german, lambda _: "never") == "2026-12-03 00:00:00+00:00: 5"


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(one: str, other: str) -> None:
    assert Message("{one}|{other}", one=one, other=other) == f"{one}|{other}"


@given(st.text())
def test_a_text_of_somebody_else_stays_as_it_is(text: str) -> None:
    assert Message(text) == text
    assert Message(text).translated(german, str) == german(text)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_can_be_translated(copied: object) -> None:
    assert callable(copied)
    again = copied(OUTER)
    assert again == OUTER
    assert again.translated(german, str) == "a.yaml ist leer; nicht vor 2026-12-03"


def test_texts_side_by_side_are_translated_one_by_one() -> None:
    assert joined("; ", [INNER, "quoted"]).translated(german, str) == "a.yaml ist leer; quoted"
    assert joined("; ", []) == NOTHING == ""
    assert detailed(INNER, "why").translated(german, str) == "a.yaml ist leer (why)"
    assert detailed(INNER, None) is INNER
    assert [alternatives(["a", "b", "c"]), enumeration(["a", "b"]), alternatives(["a"])] == [
        "a, b or c",
        "a and b",
        "a",
    ]


def test_the_message_of_an_exception_is_found() -> None:
    assert message_of(ValueError(INNER)) is INNER
    assert message_of(ValueError("someone else's")) == "someone else's"
    assert message_of(ValueError()) == ""


def test_quoted_values_are_rewritten_and_templates_are_not() -> None:
    assert OUTER.rewritten(str.upper) == "not before 2026-12-03: the file A.YAML is empty"
    assert Message("someone else's").rewritten(str.upper) == "SOMEONE ELSE'S"


def test_json_holds_what_a_translation_needs() -> None:
    document = encoded(OUTER)
    assert document == {
        "id": "not before {day}: {reason}",
        "arguments": {
            "day": {"date": "2026-12-03"},
            "reason": {"id": "the file {path} is empty", "arguments": {"path": "a.yaml"}},
        },
    }
    assert decoded(document).arguments == OUTER.arguments
    assert restored(str(OUTER), {str(OUTER): document}).arguments == OUTER.arguments
    assert restored("old", {}) == "old"


@pytest.mark.parametrize(
    "document",
    [None, 5, [], "x", {}, {"id": 5}, {"id": "x"}, {"id": "{a}", "arguments": {"a": 5}}, {"id": "a", "arguments": 5},
     {"id": "{a}", "arguments": {"a": {"date": "tomorrow"}}}],
)  # fmt: skip
def test_what_is_no_message_of_the_text_is_refused(document: object) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        restored("text", {"text": document})
