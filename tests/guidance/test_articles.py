"""What every article must keep to, whatever it is about."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Article, Order, Variant, compose, translatable
from tests.guidance.packaged import packaged

ARTICLES = [packaged().articles[name] for name in sorted(packaged().articles)]
ACTING = {Order.REASSIGN, Order.BUY, Order.MOVE, Order.REMOVE, Order.CANCEL}
TAKEN = {
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
"""Steps that take data away after a while, in which Microsoft documents a way back."""
by_article = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)


def variants() -> Iterator[Variant]:
    for agreement, path in product(Agreement, (None, "direct", "group")):
        variant = Variant(cloud=Cloud.WORLDWIDE, agreement=agreement, path=path)
        yield variant
        for status, leaving, synced in product(("Enabled", "Suspended", "Deleted"), (True, False), (True, False)):
            yield replace(variant, status=status, leaving=leaving, synced=synced)


@pytest.mark.slow
@by_article
def test_steps_follow_the_order_in_which_they_are_safe(article: Article) -> None:
    for variant in variants():
        ranks = [step.order.rank for step in compose(packaged(), article.id, variant).steps if step.order in ACTING]
        assert ranks == sorted(ranks)


@pytest.mark.slow
@by_article
def test_nothing_is_destroyed_before_it_is_saved(article: Article) -> None:
    for variant in variants():
        saved = False
        for step in compose(packaged(), article.id, variant).steps:
            saved = saved or step.order is Order.BACKUP
            taken = step.irreversible or (article.id, step.id) in TAKEN
            assert saved or not (taken and step.order in {Order.REMOVE, Order.CANCEL}), step.id


@by_article
def test_buying_and_cancelling_are_left_to_people(article: Article) -> None:
    for step in article.steps:
        assert step.manual or step.order not in {Order.BUY, Order.CANCEL}, step.id


@by_article
def test_global_administrator_is_named_only_where_a_document_asks_for_it(article: Article) -> None:
    for duty in article.roles:
        if duty.role == "global-administrator":
            assert duty.source is not None
            assert duty.duty is not None
            assert "no lesser role is documented" in duty.duty
    assert article.roles[0].role != "global-administrator"


@by_article
def test_an_article_has_a_source_and_somewhere_to_go(article: Article) -> None:
    assert article.sources
    assert article.next


@by_article
def test_a_warning_names_a_time(article: Article) -> None:
    moment = re.compile(
        r"\b(at once|days?|hours?|when|until|while|after|before|every|already|as soon as|from|then|during|renewal|stays?"
        r"|moment|later|month|once)\b",
        re.IGNORECASE,
    )
    for warning in article.warnings:
        assert moment.search(warning.text), warning.id
        assert moment.search(warning.after), warning.id


@by_article
def test_a_contradiction_between_documents_is_reported_as_one(article: Article) -> None:
    for warning in article.warnings:
        stated = re.search(r"\b(disagree|differ|another page says)\b", warning.text) is not None
        assert stated == bool(warning.disputed), warning.id


SENTENCES = re.compile(r"\.(steps|warnings|prerequisites|next|history|corrections)\.(?!.*\.(loses|after)$)")


def test_texts_are_whole_plain_and_marked_up_in_pairs() -> None:
    for index, text in translatable(packaged()):
        assert text == text.strip(), index
        plain = text.replace("{date}", "", 1) if index.endswith(".dated") else text
        assert not re.search(r"[{}<\n]|Azure AD\b|docs\.microsoft\.com", plain), index
        assert text.count("**") % 2 == 0, index
        assert text.count("`") % 2 == 0, index
        if SENTENCES.search(index):
            assert text.endswith((".", ".`")), index


def test_places_of_texts_are_unique() -> None:
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
def test_what_cannot_be_undone_is_marked(article: str, step: str) -> None:
    (found,) = (one for one in packaged().articles[article].steps if one.id == step)
    assert found.irreversible


@pytest.mark.parametrize(
    ("article", "warning", "documents"),
    [
        ("cancel-subscription", "data", {"cancel-your-subscription", "what-if-my-subscription-expires"}),
        ("trials", "data", {"what-if-my-subscription-expires", "try-or-buy"}),
        ("unassign-licenses", "onedrive", {"assign-licenses-to-users", "unlicensed-onedrive-accounts"}),
        ("group-licenses", "deleting", {"licensing-group-advanced", "licensing-groups-resolve-problems"}),
    ],
)
def test_the_known_contradictions_stand_where_they_matter(article: str, warning: str, documents: set[str]) -> None:
    (found,) = (one for one in packaged().articles[article].warnings if one.id == warning)
    assert set(found.disputed) == documents


def test_no_step_uses_a_page_that_no_longer_assigns_licences() -> None:
    for article in ARTICLES:
        for step in article.steps:
            if "Azure portal" in step.text or "Entra admin center" in step.text:
                assert "icence" not in step.text, (article.id, step.id)
