"""Routing: every check in every situation leads to articles, and the situation decides which."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.checks.registry import all_checks, articles_of
from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Situation, compose
from auditor.guidance.model import Dimension
from tests.guidance.packaged import packaged

CHECKS = frozenset(check.id for check in all_checks())
ERRORS = [
    "CountViolation",
    "MutuallyExclusiveViolation",
    "DependencyViolation",
    "ProhibitedInUsageLocationViolation",
    "UniquenessViolation",
    "Other",
    "Others",
    "SomethingNew",
]
TRUTH = st.sampled_from([None, True, False])
SITUATIONS = st.builds(
    Situation,
    account_enabled=TRUTH,
    user_type=st.sampled_from([None, "Member", "Guest"]),
    mailbox_type=st.sampled_from([None, "user", "shared", "room", "equipment", "linked"]),
    inactive=TRUTH,
    never_signed_in=TRUTH,
    path=st.sampled_from([None, "direct", "group", "both"]),
    on_premises_synced=TRUTH,
    disables=TRUTH,
    replacement_required=TRUTH,
    self_service=TRUTH,
    error_code=st.sampled_from([None, *ERRORS, "CountViolation@11111111-2222-3333-4444-555555555555"]),
    attribute=st.sampled_from([None, "usageLocation", "department"]),
    status=st.sampled_from([None, "Enabled", "Warning", "Suspended", "LockedOut", "Deleted"]),
    is_trial=TRUTH,
    agreement=st.sampled_from(Agreement),
    cloud=st.sampled_from(Cloud),
)


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(CHECKS))
@given(situation=SITUATIONS)
def test_every_check_in_every_situation_leads_to_complete_articles(check: str, situation: Situation) -> None:
    articles = articles_of(check, situation)
    assert articles
    assert len(set(articles)) == len(articles)
    for article in articles:
        composed = compose(packaged(), article, situation.variant())
        assert composed.steps
        assert composed.roles
        assert composed.warnings
        assert composed.next


def test_unknown_check_raises_key_error() -> None:
    with pytest.raises(KeyError):
        articles_of("assignment.unheard-of", Situation())


def test_every_article_can_be_reached_from_a_check() -> None:
    reached: set[str] = set()
    paths = (None, "direct", "group", "both")
    for check, path, code, agreement in product(CHECKS, paths, (None, *ERRORS), Agreement):
        reached |= set(articles_of(check, Situation(path=path, error_code=code, agreement=agreement)))
    for facts in (
        Situation(self_service=True),
        Situation(account_enabled=False),
        Situation(user_type="Guest"),
        Situation(inactive=True),
        Situation(mailbox_type="shared"),
        Situation(replacement_required=True),
        Situation(attribute="department"),
        Situation(directory_role=True),
        Situation(status="Suspended"),
        Situation(is_trial=True),
    ):
        reached |= {article for check in CHECKS for article in articles_of(check, facts)}
    queue = list(reached)
    while queue:
        article = packaged().articles[queue.pop()]
        linked = {*(step.article for step in article.steps), *(following.article for following in article.next)}
        unvisited = {name for name in linked if name is not None} - reached
        reached |= unvisited
        queue += unvisited
    assert reached == set(packaged().articles)


@pytest.mark.parametrize(
    ("check", "facts", "first"),
    [
        ("assignment.not-allowed", Situation(path="direct"), "unassign-licenses"),
        ("assignment.not-allowed", Situation(path="group"), "unassign-licenses"),
        ("assignment.denied", Situation(path="direct", account_enabled=False), "former-employee"),
        ("assignment.denied", Situation(path="direct", account_enabled=False, mailbox_type="shared"), "shared-mailbox"),
        ("assignment.denied", Situation(path="direct", user_type="Guest"), "guests"),
        ("assignment.denied", Situation(path="direct", inactive=True), "inactive-users"),
        ("assignment.denied", Situation(path="direct", never_signed_in=True), "inactive-users"),
        ("assignment.denied", Situation(path="direct", replacement_required=True), "move-users"),
        ("assignment.denied", Situation(path="group", replacement_required=True), "move-users"),
        ("assignment.denied", Situation(account_enabled=False, replacement_required=True), "former-employee"),
        ("assignment.denied", Situation(self_service=True, account_enabled=False), "self-service-purchases"),
        ("assignment.missing", Situation(), "assign-licenses"),
        ("assignment.missing", Situation(replacement_required=True), "move-users"),
        ("assignment.missing", Situation(status="Suspended"), "reactivate-subscription"),
        ("assignment.missing", Situation(path="group"), "group-licenses"),
        ("assignment.overlap", Situation(path="direct"), "overlap"),
        ("assignment.redundant", Situation(path="group"), "overlap"),
        ("assignment.path", Situation(path="direct"), "direct-to-group"),
        ("assignment.path", Situation(path="group"), "group-to-direct"),
        ("assignment.duplicate", Situation(path="both"), "duplicate-assignment"),
        ("assignment.error", Situation(error_code="CountViolation@g"), "group-error-count"),
        ("assignment.error", Situation(error_code="MutuallyExclusiveViolation"), "group-error-exclusive"),
        ("assignment.error", Situation(error_code="DependencyViolation"), "group-error-dependency"),
        ("assignment.error", Situation(error_code="ProhibitedInUsageLocationViolation"), "group-error-location"),
        ("assignment.error", Situation(error_code="UniquenessViolation"), "group-error-uniqueness"),
        ("assignment.error", Situation(error_code="Others"), "group-error-other"),
        ("assignment.error", Situation(error_code="Other"), "group-error-other"),
        ("service.denied", Situation(), "apps-and-services"),
        ("seats.over-assigned", Situation(), "over-assigned"),
        ("seats.below-minimum", Situation(), "buy-licenses"),
        ("seats.above-maximum", Situation(), "remove-licenses"),
        ("seats.above-maximum", Situation(is_trial=True), "trials"),
        ("seats.quota-exceeded", Situation(path="direct"), "unassign-licenses"),
        ("purchase.not-allowed", Situation(), "cancel-subscription"),
        ("purchase.not-allowed", Situation(self_service=True), "self-service-purchases"),
        ("purchase.trial", Situation(), "trials"),
        ("purchase.unknown", Situation(), "unknown-product"),
        ("subscription.expiring", Situation(), "subscription-end"),
        ("subscription.expiring", Situation(is_trial=True), "trials"),
        ("subscription.state", Situation(status="Warning"), "subscription-end"),
        ("subscription.state", Situation(status="LockedOut"), "reactivate-subscription"),
        ("subscription.state", Situation(status="Deleted"), "subscription-end"),
        ("subscription.trial-ending", Situation(), "trials"),
        ("attribute.missing", Situation(attribute="usageLocation"), "usage-location"),
        ("attribute.not-allowed", Situation(attribute="department"), "user-attributes"),
        ("group.license-errors", Situation(), "group-errors"),
        ("group.processing", Situation(), "group-processing"),
        ("group.nested", Situation(), "group-nested"),
        ("group.paused", Situation(), "group-paused"),
        ("group.empty", Situation(), "group-empty"),
        ("balance.imbalance", Situation(), "transfer-between-tenants"),
        ("budget.exceeded", Situation(), "reduce-cost"),
    ],
)
def test_situation_decides_the_first_article(check: str, facts: Situation, first: str) -> None:
    assert articles_of(check, facts)[0] == first


STEPS_ON_THE_USER = {
    (article.id, step.id)
    for article in packaged().articles.values()
    for step in article.steps
    if step.when.get(Dimension.PATH) == ("direct",)
}
"""Steps about a licence that is assigned to the user directly."""


@pytest.mark.parametrize("check", ["assignment.not-allowed", "assignment.denied", "seats.quota-exceeded"])
def test_removal_of_a_member_has_only_steps_that_apply_to_one_member(check: str) -> None:
    article = articles_of(check, Situation(path="group"))[0]
    composed = compose(packaged(), article, Situation(path="group", agreement=Agreement.MCA).variant())
    steps = ["check-holds", "back-up", "leave-group", "leave-other-group", "verify"]
    assert [step.id for step in composed.steps] == steps
    assert composed.roles[0].name == packaged().terms.roles["groups-administrator"]


@pytest.mark.slow
@given(situation=SITUATIONS)
def test_group_licence_never_leads_to_unassigning_from_the_user(situation: Situation) -> None:
    facts = with_group_path(situation)
    for check in ("assignment.not-allowed", "assignment.denied", "assignment.overlap", "seats.quota-exceeded"):
        for article in articles_of(check, facts):
            steps = {(article, step.id) for step in compose(packaged(), article, facts.variant()).steps}
            assert steps.isdisjoint(STEPS_ON_THE_USER)


def with_group_path(situation: Situation) -> Situation:
    return Situation(
        path="group",
        account_enabled=situation.account_enabled,
        user_type=situation.user_type,
        mailbox_type=situation.mailbox_type,
        inactive=situation.inactive,
        never_signed_in=situation.never_signed_in,
        replacement_required=situation.replacement_required,
        self_service=situation.self_service,
    )


@pytest.mark.parametrize("agreement", Agreement)
def test_articles_about_one_agreement_are_offered_for_an_imbalance_only_if_they_apply(agreement: Agreement) -> None:
    articles = articles_of("balance.imbalance", Situation(agreement=agreement))
    assert ("multitenant-billing" in articles) == (agreement in {Agreement.MCA, Agreement.UNKNOWN})
    assert ("volume-licensing" in articles) == (agreement is Agreement.VOLUME)
    assert ("partner-bought" in articles) == (agreement is Agreement.CSP)
