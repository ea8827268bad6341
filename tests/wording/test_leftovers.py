"""Every text in the program that people could read is a message, or stands in a list with the reason why it is none."""

import re
from collections.abc import Iterator

import pytest

from auditor.wording import wording
from auditor.wording.told import MESSAGES
from tests.package.tree import modules
from tests.wording.errors import ELSEWHERE, texts, written
from tests.wording.extract import SOURCES
from tests.wording.reading import LANGUAGES
from tests.wording.rules import ENGLISH, NAMES

PLACE = re.compile(r"\{\w+\}")
WHOLE = ("auditor/engine/", "auditor/history/night_diff.py", "auditor/history/forecast.py", "auditor/history/trends.py")
"""Where notices, reasons and forecasts are made that `auditor.wording.told` knows whole."""
_KEY = 2
"""Words of what is no sentence: a key."""
MACHINE = re.compile(
    r"charset=|default-src|^\s*<|^</?|^\" t=|^body\{|^/\*|Style Light|\[0-9\]|--findings|^\s+(?:SELECT|WITH)\b|starts_with\(|^policy = \?"
    r"|^subject_type|^SET \{|application/|prefers-color|^@media|^%"
)
"""Media types, styles, markup and queries."""
KNOWN = {
    "auditor/engine/": {
        "the {kind} of the group '{name}' were not all read ({status})",
        "neither the tenant nor the product catalogue knows the {kind} '{name}'",
        "the source {source} was {status}",
        "a temporary file has lost its end",
    },
    "auditor/render/": {"group {group}", "'<details><summary><b>{title}</b> ({level}) · {counts}</summary>'"},
    "auditor/remedy/": {"The owner of the policy"},
}
"""Texts that are put together of messages, are told with other values, or are found in the catalogue by other means."""


def normal(text: str) -> str:
    return PLACE.sub("{}", text)


def messages() -> frozenset[str]:
    found = set()
    for source in SOURCES.values():
        for message in source():
            found |= {message.id} if isinstance(message.id, str) else set(message.id)
    return frozenset(normal(text) for text in found)


def places(*begin: str) -> Iterator[tuple[str, str]]:
    for place, tree in modules():
        if place.startswith(begin):
            yield from ((place, text) for text in written(tree) if not MACHINE.search(text))


def test_reports_and_plans_say_nothing_that_is_not_marked() -> None:
    known = messages() | {normal(text) for folder in KNOWN.values() for text in folder}
    elsewhere = tuple(place for place in ELSEWHERE if place.startswith("auditor/remedy/"))
    left = {
        (place, text)
        for place, text in places("auditor/render/", "auditor/remedy/", "auditor/demo/overlay")
        if normal(text) not in known and not place.startswith(elsewhere)
    }
    assert left == set()


def test_every_reason_of_the_engine_is_a_message() -> None:
    whole = [normal(text) for text in MESSAGES]
    errors = {normal(text) for _, text in texts()}
    left = {
        (place, text)
        for place, text in places(*WHOLE)
        if len(text.split()) > _KEY
        and text not in KNOWN["auditor/engine/"]
        and normal(text) not in errors
        and not any(normal(text) in message for message in whole)
    }
    assert left == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_is_told_whatever_its_values(language: str) -> None:
    words = wording(language)
    for text in sorted({text for _, text in texts()}):
        said = words.complaint(PLACE.sub("x1", text))
        assert said is not None, text
        bare = re.sub(r"'[^']*'|`[^`]*`|--[\w-]+|\S*[.:/]\S+", "", said)
        assert not ENGLISH.search(NAMES.sub("", bare)), (text, said)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("left", ["{days} whole days", "one whole day", "less than a day"])
def test_the_days_that_a_waiver_holds_are_counted_as_people_count(language: str, left: str) -> None:
    text = f"the waiver W-1 (ann@contoso.example) holds until 2026-12-01, {left.format(days=5)} from now"
    said = wording(language).told(text)
    assert said != text
    assert "W-1" in said
    assert not ENGLISH.search(said)
