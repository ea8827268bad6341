"""Messages: the English text, with the template and arguments that translations need."""

import copy
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.message import (
    NOTHING,
    Count,
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
from auditor.domain.money import Money
from auditor.localization.localization import localization

INNER = Message("the file {path} is empty", path="a.yaml")
OUTER = Message("not before {day}: {reason}", day=date(2026, 12, 3), reason=INNER)
GERMAN = {"not before {day}: {reason}": "{reason}; nicht vor {day}", "the file {path} is empty": "{path} ist leer"}


def german(template: str) -> str:
    return GERMAN.get(template, template)


def test_message_is_its_english_text() -> None:
    assert OUTER == "not before 2026-12-03: the file a.yaml is empty"
    assert (OUTER.id, OUTER.arguments) == ("not before {day}: {reason}", {"day": date(2026, 12, 3), "reason": INNER})


def test_translation_can_reorder_the_arguments() -> None:
    assert OUTER.translated(german, lambda day: f"{day:%d.%m.%Y}") == "a.yaml ist leer; nicht vor 03.12.2026"


def test_instants_and_numbers_are_inserted_unchanged() -> None:
    message = Message("{at}: {count}", at=datetime(2026, 12, 3, tzinfo=UTC), count=5)
    assert message.translated(german, lambda _: "never") == "2026-12-03 00:00:00+00:00: 5"


def test_amount_is_formatted_by_the_language_and_kept_in_documents() -> None:
    limit = Message("the limit is {limit}", limit=Money(currency="EUR", per_month=Decimal("1293.705")))
    assert limit == "the limit is 1293.71 EUR"
    assert encoded(limit)["arguments"] == {"limit": {"amount": "1293.71", "currency": "EUR"}}
    assert localization("nl").translate(restored(str(limit), {str(limit): encoded(limit)})).endswith("€\u00a01.293,71")


@pytest.mark.parametrize(
    ("language", "number"), [("en", "12,345"), ("da", "12.345"), ("sv", "12\u00a0345"), ("de", "12.345")]
)
def test_count_has_the_thousands_separators_of_the_language(language: str, number: str) -> None:
    reason = Message("objects without {key}: {count}", key="id", count=Count(12345))
    assert reason == "objects without id: 12,345"
    assert encoded(reason)["arguments"]["count"] == {"count": 12345}
    saved = restored(str(reason), {str(reason): encoded(reason)})
    assert localization(language).translate(saved).endswith(f": {number}")


@pytest.mark.parametrize("count", [0, 7, 999, -999])
def test_count_without_separators_is_saved_as_text(count: int) -> None:
    assert encoded(Message("{count} times", count=Count(count)))["arguments"] == {"count": str(count)}


@pytest.mark.slow
@given(st.text(), st.text())
def test_arguments_are_never_parsed_as_templates(first: str, second: str) -> None:
    assert Message("{one}|{other}", one=first, other=second) == f"{first}|{second}"


@given(st.text())
def test_text_without_arguments_is_unchanged(text: str) -> None:
    assert Message(text) == text
    assert Message(text).translated(german, str) == german(text)


@pytest.mark.parametrize("copy_of", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copied_and_unpickled_messages_can_be_translated(copy_of: object) -> None:
    assert callable(copy_of)
    copied = copy_of(OUTER)
    assert copied == OUTER
    assert copied.translated(german, str) == "a.yaml ist leer; nicht vor 2026-12-03"


def test_joined_messages_are_translated_separately() -> None:
    assert joined("; ", [INNER, "quoted"]).translated(german, str) == "a.yaml ist leer; quoted"
    assert joined("; ", []) == NOTHING == ""
    assert detailed(INNER, "why").translated(german, str) == "a.yaml ist leer (why)"
    assert detailed(INNER, None) is INNER
    assert [alternatives(["a", "b", "c"]), enumeration(["a", "b"]), alternatives(["a"])] == [
        "a, b or c",
        "a and b",
        "a",
    ]


def test_message_of_an_exception() -> None:
    assert message_of(ValueError(INNER)) is INNER
    assert message_of(ValueError("someone else's")) == "someone else's"
    assert message_of(ValueError()) == ""


def test_rewritten_changes_arguments_but_not_templates() -> None:
    assert OUTER.rewritten(str.upper) == "not before 2026-12-03: the file A.YAML is empty"
    assert Message("someone else's").rewritten(str.upper) == "SOMEONE ELSE'S"


def test_encoded_message_has_template_and_arguments() -> None:
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
     {"id": "{a}", "arguments": {"a": {"date": "tomorrow"}}},
     {"id": "{a}", "arguments": {"a": {"amount": "1e9", "currency": "EUR"}}},
     {"id": "{a}", "arguments": {"a": {"amount": "1.00", "currency": "euro"}}},
     {"id": "{a}", "arguments": {"a": {"currency": "EUR"}}},
     {"id": "{a}", "arguments": {"a": {"count": "1000"}}},
     {"id": "{a}", "arguments": {"a": {"count": True}}}],
)  # fmt: skip
def test_document_that_does_not_match_the_text_is_refused(document: object) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        restored("text", {"text": document})
