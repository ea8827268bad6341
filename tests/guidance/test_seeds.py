"""The first two articles, move-users and transfer-between-tenants: all variants, corrections and history."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Variant
from auditor.guidance.tenant_guidance import Composed
from tests.guidance.packaged import composed, packaged

MOVE, TRANSFER = "move-users", "transfer-between-tenants"
DIRECT = Variant(cloud=Cloud.WORLDWIDE, agreement=Agreement.MOSA, path="direct")


def text_of(guidance: Composed, step: str) -> str:
    return next(candidate.text for candidate in guidance.steps if candidate.id == step)


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
def test_move_users_has_the_edition_of_2020(cloud: Cloud, phrases: list[str]) -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=cloud))
    (edition,) = guidance.editions
    assert edition.date == "2020-07-01"
    assert [step.number for step in edition.steps] == [1, 2, 3, 4, 5, 6]
    text = " ".join(step.text for step in edition.steps)
    assert all(word in text for word in phrases)
    assert "Any licence assigned to the selected users before is removed." in text
    assert text_of(guidance, "manage-licenses") == "At the top, select **Manage product licenses**."


def test_move_users_in_germany_has_the_steps_of_the_old_admin_center() -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=Cloud.GERMANY))
    assert packaged().terms.notices["closed-cloud"] in guidance.notices
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


def test_move_users_with_group_licences_in_germany_changes_the_group() -> None:
    guidance = composed(MOVE, replace(DIRECT, cloud=Cloud.GERMANY, path="group"))
    assert ids(guidance) == {"group-choose", "group-add", "group-leave", "group-swap", "group-verify"}


def test_note_about_the_new_admin_center_is_only_for_21vianet() -> None:
    clouds = {
        cloud
        for cloud in Cloud
        if any(change.id == "new-admin-center" for change in composed(MOVE, replace(DIRECT, cloud=cloud)).history)
    }
    assert clouds == {Cloud.CHINA}


def test_giving_up_the_source_tenant_cancels_and_keeping_it_removes_seats() -> None:
    leaving = ids(composed(TRANSFER, replace(DIRECT, leaving=True)))
    keeping = ids(composed(TRANSFER, replace(DIRECT, leaving=False)))
    assert {"cancel-source", "remove-domain"} <= leaving
    assert "remove-source" not in leaving
    assert "remove-source" in keeping
    assert not {"cancel-source", "remove-domain"} & keeping
    both = composed(TRANSFER, DIRECT)
    labels = {step.id: step.branches for step in both.steps}
    assert "If the source tenant is going to be decommissioned" in labels["cancel-source"]
    assert "If the source tenant remains in use" in labels["remove-source"]


def test_without_people_who_move_nothing_is_migrated_and_nothing_unassigned() -> None:
    moving = {
        "assign-target",
        "migrate-mailboxes",
        "exchange-target",
        "migrate-sharepoint",
        "save-data",
        "unassign-source",
    }
    kept = replace(DIRECT, leaving=False)
    guidance = composed(TRANSFER, replace(kept, moving=False))
    assert ids(composed(TRANSFER, replace(kept, moving=True))) - ids(guidance) == moving
    texts = [passage.text for passage in guidance.prerequisites] + [caution.text for caution in guidance.warnings]
    assert not any("mailbox" in text for text in texts)
    labels = {step.id: step.branches for step in composed(TRANSFER, kept).steps}
    assert "If people move to the target tenant with the licences" in labels["migrate-mailboxes"]


@pytest.mark.parametrize("leaving", [True, False, None])
def test_mailboxes_and_sharepoint_are_migrated_whether_or_not_the_source_is_kept(*, leaving: bool | None) -> None:
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
def test_each_agreement_has_its_documented_step(agreement: Agreement, only: str | None) -> None:
    agreement_steps = {"wrong-tenant", "ask-partner", "move-subscription"}
    assert ids(composed(TRANSFER, replace(DIRECT, agreement=agreement))) & agreement_steps == ({only} - {None})
    assert agreement_steps <= ids(composed(TRANSFER, replace(DIRECT, agreement=Agreement.UNKNOWN)))


def test_source_and_target_tenant_get_their_own_steps() -> None:
    source = ids(composed(TRANSFER, replace(DIRECT, side="source", leaving=False)))
    target = ids(composed(TRANSFER, replace(DIRECT, side="target", leaving=False)))
    assert {"buy-target", "assign-target"} <= target
    assert {"unassign-source", "remove-source"} <= source
    assert not {"buy-target", "assign-target"} & source
    assert not {"unassign-source", "remove-source", "save-data"} & target
