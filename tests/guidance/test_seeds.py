"""The two articles that the project began with: whole, with every variant, their corrections and what changed since."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Variant, compose
from auditor.guidance.tenant_guidance import Composed
from tests.guidance.packaged import packaged

MOVE, TRANSFER = "move-users", "transfer-between-tenants"
DIRECT = Variant(cloud=Cloud.WORLDWIDE, agreement=Agreement.MOSA, path="direct")


def composed(article: str, variant: Variant) -> Composed:
    return compose(packaged(), article, variant)


def text_of(guidance: Composed, step: str) -> str:
    return next(one.text for one in guidance.steps if one.id == step)


def ids(guidance: Composed) -> set[str]:
    return {step.id for step in guidance.steps}


@pytest.mark.parametrize(
    ("cloud", "phrases"),
    [
        (
            Cloud.WORLDWIDE,
            ["circles", "**More options (...)**", "**Manage product licenses** pane", "**Replace** > **Close**."],
        ),
        (
            Cloud.CHINA,
            ["boxes", "**Bulk actions**", "**Assign products** pane", "**Replace** > **Close** > **Close**."],
        ),
    ],
)
def test_moving_users_keeps_the_steps_of_2020_beside_todays(cloud: Cloud, phrases: list[str]) -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=cloud))
    (edition,) = guidance.editions
    assert edition.date == "2020-07-01"
    assert [step.number for step in edition.steps] == [1, 2, 3, 4, 5, 6]
    text = " ".join(step.text for step in edition.steps)
    assert all(word in text for word in phrases)
    assert "Any licence assigned to the selected users before is removed." in text
    assert text_of(guidance, "manage-licenses") == "At the top, select **Manage product licenses**."


def test_moving_users_in_germany_is_the_old_admin_center_as_history() -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=Cloud.GERMANY))
    assert guidance.historic
    assert [step.id for step in guidance.steps] == [
        "open-active-users",
        "select-users",
        "bulk-actions",
        "replace-existing",
        "switch-on",
        "replace",
    ]
    assert guidance.editions == ()
    assert any(change.id == "germany" for change in guidance.history)


def test_moving_an_inheriting_user_in_germany_goes_through_the_group() -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=Cloud.GERMANY, path="group"))
    assert ids(guidance) == {"group-choose", "group-add", "group-leave", "group-swap", "group-verify"}


def test_the_note_on_the_new_admin_center_belongs_to_21vianet() -> None:
    having = {
        cloud
        for cloud in Cloud
        if any(one.id == "new-admin-center" for one in composed(MOVE, replace(DIRECT, cloud=cloud)).history)
    }
    assert having == {Cloud.CHINA}


def test_moving_users_leads_to_the_seven_pages_that_the_seed_meant() -> None:
    guidance = composed(MOVE, DIRECT)
    linked = {link.url for step in guidance.next for link in step.links if link.url is not None}
    base = "https://learn.microsoft.com/microsoft-365"
    assert linked >= {
        f"{base}/admin/manage/assign-licenses-to-users",
        f"{base}/commerce/licenses/buy-licenses",
        f"{base}/commerce/subscriptions/upgrade-to-different-plan",
        f"{base}/commerce/licenses/subscriptions-and-licenses",
        f"{base}/commerce/try-or-buy-microsoft-365",
    }
    assert not any("managed-desktop" in url for url in linked)


def test_replace_warns_that_it_removes_everything_else() -> None:
    warnings = {one.id: one for one in composed(MOVE, DIRECT).warnings}
    assert warnings["replace-removes-all"].after == "At once"


def test_a_new_licence_comes_before_the_old_group_is_left() -> None:
    order = [step.id for step in composed(MOVE, replace(DIRECT, path="group")).steps]
    assert order.index("group-add") < order.index("group-leave")


def test_a_transfer_is_first_called_impossible() -> None:
    guidance = composed(TRANSFER, DIRECT)
    assert guidance.summary.startswith("Licences cannot be transferred between two organizations (tenants).")
    assert "not possible" in guidance.prerequisites[0].text


def test_leaving_the_source_tenant_cancels_and_keeping_it_removes() -> None:
    leaving = ids(composed(TRANSFER, replace(DIRECT, leaving=True)))
    keeping = ids(composed(TRANSFER, replace(DIRECT, leaving=False)))
    assert {"cancel-source", "remove-domain"} <= leaving
    assert "remove-source" not in leaving
    assert "remove-source" in keeping
    assert not {"cancel-source", "remove-domain"} & keeping
    both = composed(TRANSFER, DIRECT)
    labels = {step.id: step.branches for step in both.steps}
    assert "If the source tenant is going to be given up" in labels["cancel-source"]
    assert "If the source tenant stays in use" in labels["remove-source"]


def test_the_lost_negation_is_back() -> None:
    guidance = composed(TRANSFER, DIRECT)
    (leaving,) = (change for change in guidance.history if change.id == "leaving")
    assert "no longer plan to use" in leaving.then
    (keeping,) = (change for change in guidance.history if change.id == "keeping")
    assert "plan to keep using" in keeping.then
    assert "lost-negation" in {note.id for note in guidance.corrections}


@pytest.mark.parametrize("leaving", [True, False, None])
def test_mailboxes_and_sharepoint_move_in_either_case(*, leaving: bool | None) -> None:
    guidance = composed(TRANSFER, replace(DIRECT, leaving=leaving))
    assert {"migrate-mailboxes", "migrate-sharepoint"} <= ids(guidance)
    order = [step.id for step in guidance.steps]
    assert order.index("buy-target") < order.index("migrate-mailboxes") < order.index("unassign-source")


@pytest.mark.parametrize(
    ("agreement", "only"),
    [
        (Agreement.VOLUME, "wrong-tenant"),
        (Agreement.CSP, "ask-partner"),
        (Agreement.MCA, "move-subscription"),
        (Agreement.MOSA, None),
    ],
)
def test_each_agreement_has_its_documented_route(agreement: Agreement, only: str | None) -> None:
    special = {"wrong-tenant", "ask-partner", "move-subscription"}
    assert ids(composed(TRANSFER, replace(DIRECT, agreement=agreement))) & special == ({only} - {None})
    assert special <= ids(composed(TRANSFER, replace(DIRECT, agreement=Agreement.UNKNOWN)))


def test_each_tenant_of_a_pair_is_told_its_own_part() -> None:
    source = ids(composed(TRANSFER, replace(DIRECT, side="source", leaving=False)))
    target = ids(composed(TRANSFER, replace(DIRECT, side="target", leaving=False)))
    assert {"buy-target", "assign-target"} <= target
    assert {"unassign-source", "remove-source"} <= source
    assert not {"buy-target", "assign-target"} & source
    assert not {"unassign-source", "remove-source", "save-data"} & target


def test_no_link_of_the_seeds_is_empty_or_without_a_host() -> None:
    for article in (MOVE, TRANSFER):
        for link in composed(article, DIRECT).links:
            assert link.label.strip()
            assert link.url is not None
            assert link.url.startswith("https://")
