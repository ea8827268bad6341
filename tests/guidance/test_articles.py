"""Rules for every guidance article: safe order of steps, sources, warnings and wording."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Article, Order, Variant, compose
from auditor.localization import localization
from auditor.remedy.messages import also_needed
from tests.guidance.packaged import packaged
from tests.guidance.translatable import translatable
from tests.localization.catalogue_messages import LANGUAGES

ARTICLES = [packaged().articles[name] for name in sorted(packaged().articles)]
CHANGING_ORDERS = {Order.REASSIGN, Order.BUY, Order.MOVE, Order.REMOVE, Order.CANCEL}
DATA_LOSS_STEPS = {
    ("unassign-licenses", "unassign"),
    ("unassign-licenses", "leave-group"),
    ("former-employee", "unassign"),
    ("former-employee", "leave-groups"),
    ("former-employee", "delete"),
    ("former-employee", "delete-on-premises"),
    ("inactive-users", "unassign"),
    ("inactive-users", "leave-group"),
    ("guests", "unassign"),
    ("guests", "leave-group"),
    ("shared-mailbox", "untick"),
    ("shared-mailbox", "leave-group"),
    ("overlap", "remove-direct"),
    ("overlap", "remove-group"),
    ("group-licenses", "unassign"),
    ("cancel-subscription", "cancel-mca"),
    ("cancel-subscription", "cancel-mosa"),
    ("transfer-between-tenants", "cancel-source"),
}
"""Steps that lead to data loss after a period in which they can be undone, according to Microsoft."""
by_article = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)


def variants() -> Iterator[Variant]:
    for agreement, path in product(Agreement, (None, "direct", "group")):
        variant = Variant(cloud=Cloud.WORLDWIDE, agreement=agreement, path=path)
        yield variant
        for status, leaving, synced in product(("Enabled", "Suspended", "Deleted"), (True, False), (True, False)):
            # The people of a tenant that is closed move; of one that stays, they may move or not.
            for moving in {True, leaving}:
                yield replace(variant, status=status, leaving=leaving, moving=moving, synced=synced)


@pytest.mark.slow
@by_article
def test_changing_steps_are_in_the_safe_order(article: Article) -> None:
    for variant in variants():
        ranks = [
            step.order.rank for step in compose(packaged(), article.id, variant).steps if step.order in CHANGING_ORDERS
        ]
        assert ranks == sorted(ranks)


@pytest.mark.slow
@by_article
def test_backup_comes_before_steps_that_destroy_data(article: Article) -> None:
    for variant in variants():
        backed_up = False
        for step in compose(packaged(), article.id, variant).steps:
            backed_up = backed_up or step.order is Order.BACKUP
            loses_data = step.irreversible or (article.id, step.id) in DATA_LOSS_STEPS
            assert backed_up or not (loses_data and step.order in {Order.REMOVE, Order.CANCEL}), step.id


@by_article
def test_steps_that_buy_or_cancel_are_manual(article: Article) -> None:
    for step in article.steps:
        assert step.manual or step.order not in {Order.BUY, Order.CANCEL}, step.id


@by_article
def test_global_administrator_is_named_only_if_a_source_requires_it(article: Article) -> None:
    for duty in article.roles:
        if duty.role == "global-administrator":
            assert duty.source is not None
            assert duty.duty is not None
            assert "no lesser role is documented" in duty.duty
    assert article.roles[0].role != "global-administrator"


@by_article
def test_purpose_of_a_role_continues_a_sentence(article: Article) -> None:
    for language in ("en", *LANGUAGES):
        l10n = localization(language)
        for duty in (needed.duty for needed in article.roles if needed.duty is not None):
            text = also_needed(l10n, "License Administrator", duty)
            assert f", {l10n.gettext(duty)}" in text
            assert l10n.gettext(duty)[0].islower(), text
            assert not l10n.gettext(duty).startswith(("oneDrive", "sharePoint", "exchange", "microsoft")), text


@by_article
def test_article_has_sources_and_next_steps(article: Article) -> None:
    assert article.sources
    assert article.next


@by_article
def test_warning_names_a_time(article: Article) -> None:
    time_words = re.compile(
        r"\b(at once|days?|hours?|when|until|while|after|before|every|already|as soon as|from|then|during|renewal|stays?"
        r"|moment|later|month|once)\b",
        re.IGNORECASE,
    )
    for warning in article.warnings:
        assert time_words.search(warning.text), warning.id
        assert time_words.search(warning.after), warning.id


@by_article
def test_text_of_a_warning_names_every_period_of_what_can_be_lost(article: Article) -> None:
    parts = {"8": {"7"}, "123": {"30", "93"}}  # the day after seven days, and the sum of two periods
    for warning in article.warnings:
        periods, named = (set(re.findall(r"\d+", text)) for text in (warning.after, warning.text))
        assert all(parts.get(period, {period}) <= named for period in periods), warning.id


@by_article
def test_warning_about_a_contradiction_lists_the_disputed_sources(article: Article) -> None:
    for warning in article.warnings:
        stated = re.search(r"\b(disagree|differ|another Microsoft page says)\b", warning.text) is not None
        assert stated == bool(warning.disputed), warning.id


SENTENCE_TEXTS = re.compile(r"\.(steps|warnings|prerequisites|next|history|corrections)\.(?!.*\.(loses|after)$)")


def test_texts_are_complete_sentences_with_balanced_markup() -> None:
    for index, text in translatable(packaged()):
        assert text == text.strip(), index
        plain = text.replace("{date}", "", 1) if index.endswith(".dated") else text
        assert not re.search(r"[{}<\n]|Azure AD\b|docs\.microsoft\.com", plain), index
        assert text.count("**") % 2 == 0, index
        assert text.count("`") % 2 == 0, index
        if SENTENCE_TEXTS.search(index):
            assert text.endswith((".", ".`")), index


def test_indices_of_translatable_texts_are_unique() -> None:
    locations = [index for index, _ in translatable(packaged())]
    assert len(set(locations)) == len(locations)


@pytest.mark.parametrize(
    ("article", "step"),
    [
        ("former-employee", "wipe-device"),
        ("cancel-subscription", "partner"),
        ("multitenant-billing", "move"),
        ("transfer-between-tenants", "migrate-mailboxes"),
        ("self-service-purchases", "cancel"),
    ],
)
def test_irreversible_steps_are_marked(article: str, step: str) -> None:
    (step_of_article,) = (candidate for candidate in packaged().articles[article].steps if candidate.id == step)
    assert step_of_article.irreversible


def test_no_step_assigns_licences_in_a_portal_that_no_longer_can() -> None:
    for article in ARTICLES:
        for step in article.steps:
            if "Azure portal" in step.text or "Entra admin center" in step.text:
                assert "icence" not in step.text, (article.id, step.id)


def test_titles_use_british_spelling_unless_they_are_those_of_a_page() -> None:
    pages = {document.title for document in packaged().documents.values()}
    assert [a.title for a in ARTICLES if "licenses" in a.title and a.title not in pages] == []
