"""Tests that texts of starter policies are translated, and texts of other policies are not."""

import json

import pytest
from msgspec.structs import replace

from auditor.app.report.localization import localized_result
from auditor.localization import localization
from tests.builders.result.audited_demo import demo_result
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.localization.catalogue_messages import LANGUAGES
from tests.localization.extract import policies

pytestmark = pytest.mark.slow
OTHER_TITLE = "Only our own people hold a seat"


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_rationales_of_starter_policies_are_translated(language: str) -> None:
    demo = demo_result(language)
    for before, after in zip(demo_result().run.policies, demo.run.policies, strict=True):
        assert after.title != before.title
        assert (after.id, after.spec, after.severity) == (before.id, before.spec, before.severity)
        assert not before.rationale or after.rationale != before.rationale


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["html", "markdown", "sarif", "junit"])
def test_reports_for_people_have_no_english_title(language: str, name: str) -> None:
    body = rendered_text(demo_result(language), name, locale=language)
    titles = [header.title for header in demo_result().run.policies if len(header.title) > 20]
    assert [title for title in titles if title in body] == []


def test_sarif_rules_and_results_are_equal_in_every_language() -> None:
    """Only the messages of SARIF are translated; ids and locations are not."""
    ids = []
    for locale in ("en", "nl"):
        log = json.loads(rendered_bytes(demo_result(locale), "sarif", locale=locale))["runs"][0]
        rules = log["tool"]["driver"]["rules"]
        ids.append([rule["id"] for rule in rules])
        ids.append([(item["ruleId"], item["partialFingerprints"], item["locations"]) for item in log["results"]])
        assert ("Guests have no paid licence" in {rule["shortDescription"]["text"] for rule in rules}) == (
            locale == "en"
        )
    assert ids[:2] == ids[2:]


def test_texts_of_other_policies_are_not_translated() -> None:
    first, *others = demo_result().run.policies
    # `Product` and `open` are messages of reports, but not titles of starter policies.
    for text in (OTHER_TITLE, "Product", "open", f"{first.title} "):
        policy = replace(first, title=text, rationale=text)
        changed = replace(demo_result(), run=replace(demo_result().run, policies=(policy, *others)))
        assert localized_result(changed, "nl").run.policies[0].title == text
        assert localized_result(changed, "nl").run.policies[0].rationale == text


def test_english_texts_of_policies_are_unchanged() -> None:
    l10n = localization("en-US")
    for message in policies():
        if message.id:
            assert l10n.policy(str(message.id)) == message.id
