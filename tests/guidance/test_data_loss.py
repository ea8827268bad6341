"""Warnings about removing licences: what an administrator could lose without them."""

import pytest

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Composed, Variant, compose
from tests.guidance.packaged import packaged


def article_of(article: str, path: str | None = None) -> Composed:
    return compose(packaged(), article, Variant(cloud=Cloud.WORLDWIDE, agreement=Agreement.MCA, path=path))


def texts(guidance: Composed) -> str:
    return "\n".join(part.text for part in (*guidance.prerequisites, *guidance.steps, *guidance.warnings))


@pytest.mark.parametrize("article", ["unassign-licenses", "former-employee", "inactive-users", "reduce-cost"])
def test_sixty_days_for_mailboxes_need_a_feature_that_is_switched_on(article: str) -> None:
    sixty_days = [warning.text for warning in article_of(article).warnings if "60 days" in warning.text]
    (mailbox,) = [text for text in sixty_days if "OneDrive" not in text]
    assert "If an administrator has switched on delicensing resiliency (possible with more than 5,000" in mailbox


@pytest.mark.parametrize("article", ["unassign-licenses", "former-employee"])
def test_holds_are_removed_only_with_the_consent_of_whoever_placed_them(article: str) -> None:
    assert "with the consent of whoever placed" in texts(article_of(article))


@pytest.mark.parametrize("article", ["unassign-licenses", "inactive-users", "overlap"])
def test_leaving_a_group_warns_of_everything_else_that_it_gives(article: str) -> None:
    warning = "Leaving the group removes every other product that it assigns"
    assert warning in texts(article_of(article, "group"))
    assert warning not in texts(article_of(article, "direct"))


@pytest.mark.parametrize(
    "article", ["unassign-licenses", "former-employee", "inactive-users", "guests", "shared-mailbox", "overlap"]
)
def test_leaving_a_group_names_the_page_and_the_groups_whose_members_are_changed_elsewhere(article: str) -> None:
    guidance = article_of(article, "group")
    assert "**Groups** > **All groups**" in texts(guidance)
    assert "for a synchronised group, change the members in the on-premises directory" in texts(guidance)
    documents = packaged().documents
    assert documents["manage-group-members"].url in {link.url for link in guidance.links}


@pytest.mark.parametrize(
    "article", ["unassign-licenses", "former-employee", "inactive-users", "guests", "shared-mailbox"]
)
def test_role_for_leaving_a_group_can_change_members(article: str) -> None:
    roles = packaged().terms.roles
    assert article_of(article, "group").roles[0].name == roles["groups-administrator"]
    assert article_of(article, "direct").roles[0].name == roles["license-administrator"]
    alternatives = [role.name for role in article_of(article).alternatives]
    assert alternatives == [roles["license-administrator"], roles["groups-administrator"]]


def test_recurring_billing_is_turned_off_only_for_subscriptions_that_nobody_needs() -> None:
    assert "turn recurring billing off only if nobody needs the subscription any more" in texts(
        article_of("reduce-cost")
    )


def test_people_left_out_of_a_policy_lose_its_protection() -> None:
    assert "lose its protection, access or permissions" in texts(article_of("licences-in-number"))


def test_guests_can_be_reviewed_without_a_product_for_it() -> None:
    guidance = article_of("guests", "direct")
    assert "without it, block the account and delete it after 30 days" in texts(guidance)
    assert "Identity Governance Administrator" in {role.name for role in guidance.roles}


def test_shared_mailbox_that_is_too_large_stops_sending_first() -> None:
    assert "A mailbox above 50 GB cannot send mail without a licence" in texts(article_of("shared-mailbox"))


def test_removal_at_the_renewal_is_scheduled_with_the_steps_above_it() -> None:
    assert "the same steps schedule the reduction for the renewal" in texts(article_of("remove-licenses"))


def test_review_of_inactivity_names_what_the_sign_in_log_can_show() -> None:
    assert "the sign-in log of the user, which goes back 30 days" in texts(article_of("inactive-users"))


def test_overlap_does_not_say_which_product_is_removed() -> None:
    """Somebody may decide to keep the smaller one."""
    assert "smaller" not in texts(article_of("overlap"))


@pytest.mark.parametrize(
    ("article", "step"),
    [
        *(("assign-licenses", "add-to-group"), ("move-users", "group-add"), ("move-users", "group-leave")),
        *(("group-to-direct", "leave"), ("direct-to-group", "group"), ("duplicate-assignment", "groups")),
        *(("group-error-location", "leave-out"), ("group-error-exclusive", "group"), ("group-licenses", "one-user")),
        *(("group-empty", "fill"), ("group-nested", "license")),
    ],
)
def test_steps_that_change_members_link_the_page_about_them(article: str, step: str) -> None:
    (found,) = [candidate for candidate in article_of(article).steps if candidate.id == step]
    assert packaged().documents["manage-group-members"].url in {link.url for link in found.links}
