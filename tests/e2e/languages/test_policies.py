"""The starter policies are told in the reader's language; everybody else's words stay as they are written."""

import json

import pytest
from msgspec.structs import replace

from auditor.app.report.localization import localised
from auditor.localization import localization
from auditor.render import render
from tests.builders.result.audited_demo import demo_result
from tests.localization.catalogue_messages import LANGUAGES
from tests.localization.extract import policies

OWN = "Only our own people hold a seat"


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_reasons_of_the_starter_policies_are_reported(language: str) -> None:
    demo = demo_result(language)
    for before, after in zip(demo_result().run.policies, demo.run.policies, strict=True):
        assert after.title != before.title
        assert (after.id, after.spec, after.severity) == (before.id, before.spec, before.severity)
        assert not before.rationale or after.rationale != before.rationale


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["html", "markdown", "sarif", "junit"])
def test_what_people_read_has_no_english_title(language: str, name: str) -> None:
    body = b"".join(render(demo_result(language), name, locale=language).chunks()).decode()
    titles = [header.title for header in demo_result().run.policies if len(header.title) > 20]
    assert [title for title in titles if title in body] == []


@pytest.mark.slow
def test_a_scanner_finds_the_same_rules_and_results_in_every_language() -> None:
    """People read the messages of SARIF, machines its ids and places."""
    found = []
    for locale in ("en", "nl"):
        log = json.loads(b"".join(render(demo_result(locale), "sarif", locale=locale).chunks()))["runs"][0]
        rules = log["tool"]["driver"]["rules"]
        found.append([rule["id"] for rule in rules])
        found.append([(one["ruleId"], one["partialFingerprints"], one["locations"]) for one in log["results"]])
        assert ("Guests hold no paid licence" in {rule["shortDescription"]["text"] for rule in rules}) == (
            locale == "en"
        )
    assert found[:2] == found[2:]


@pytest.mark.slow
def test_a_policy_of_somebody_else_stays_as_it_is_written() -> None:
    first, *others = demo_result().run.policies
    # `Product` and `open` are messages of reports, and no titles of starter policies.
    for text in (OWN, "Product", "open", f"{first.title} "):
        own = replace(first, title=text, rationale=text)
        changed = replace(demo_result(), run=replace(demo_result().run, policies=(own, *others)))
        assert localised(changed, "nl").run.policies[0].title == text
        assert localised(changed, "nl").run.policies[0].rationale == text


def test_english_readers_get_the_words_as_they_are_written() -> None:
    l10n = localization("en-US")
    for message in policies():
        if message.id:
            assert l10n.policy(str(message.id)) == message.id
