"""The actions for the findings of the built-in tenants: coverage, order, titles, steps and seat numbers."""

import json
import re
from decimal import Decimal

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import packaged_library
from auditor.catalogue import builtin
from auditor.demo import policies
from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Status
from auditor.guidance import Order
from auditor.policy.loader import load
from auditor.remedy.actions.context import context_of
from auditor.remedy.actions.guidance.routes import route_of
from auditor.remedy.kinds import ORDER
from auditor.result.codec.encoder import line
from tests.builders.result.actions import with_actions
from tests.builders.result.audited_demo import AS_OF, contoso, demo_actions, demo_result
from tests.builders.tenant import tenants


@pytest.mark.slow
def test_every_open_finding_is_in_exactly_one_action_and_waived_ones_in_none() -> None:
    for tenant in demo_result().tenants:
        listed = [fingerprint for action in tenant.actions for fingerprint in action.findings]
        open_ = [finding.fingerprint for finding in tenant.findings if finding.status is Status.OPEN]
        assert sorted(listed) == sorted(open_)


@pytest.mark.slow
def test_findings_and_actions_name_existing_articles() -> None:
    articles = packaged_library().articles
    findings = [finding for tenant in demo_result().tenants for finding in tenant.findings] + list(
        demo_result().fleet.findings
    )
    assert {finding.guidance for finding in findings} <= set(articles)
    assert {action.guidance for action in demo_actions()} <= set(articles)


@pytest.mark.slow
def test_actions_are_sorted_by_the_rank_of_their_order() -> None:
    for tenant in demo_result().tenants:
        ranks = [Order(action.order).rank for action in tenant.actions]
        assert ranks == sorted(ranks)


@pytest.mark.slow
def test_action_ids_and_titles_are_unique_within_a_tenant() -> None:
    for tenant in demo_result().tenants:
        for names in ([action.id for action in tenant.actions], [action.title for action in tenant.actions]):
            assert len(set(names)) == len(names)


def test_every_action_has_role_steps_links_and_warnings() -> None:
    for action in demo_actions():
        assert action.role
        assert action.steps
        assert action.links
        assert action.count > 0
        assert action.confidence in {"certain", "review"}
        assert bool(action.decided_by) == (action.confidence == "review")
        assert not re.search(r"[{}]", action.title + "".join(action.warnings))
        assert all(0 < number <= len(action.steps) for number in action.irreversible)


@pytest.mark.parametrize(("group", "via", "kind"), [("g1", "direct", "to-direct"), (None, "group", "to-group")])
def test_path_that_a_policy_requires_decides_the_action(group: str | None, via: str, kind: str) -> None:
    text = tenants.policy_file(f"assignments: {{via: {via}}}")
    state = tenants.tenant(tenants.user("ann", "SPE_E3", paths=[tenants.path("SPE_E3", group)]))
    result = with_actions(tenants.audited(text, state), tenants.policy_set(text))
    assert [action.kind for action in result.tenants[0].actions] == [kind]


def test_group_licences_are_not_removed_from_the_user() -> None:
    findings = {finding.fingerprint: finding for finding in contoso().findings}
    for action in contoso().actions:
        for request in action.requests:
            for sku_id in request["body"].get("removeLicenses", ()):
                user_findings = [
                    findings[fingerprint]
                    for fingerprint in action.findings
                    if findings[fingerprint].subject.id in request["path"]
                ]
                paths = [
                    path
                    for f in user_findings
                    if f.product and f.product.sku_id == sku_id
                    for path in f.evidence["paths"]
                ]
                assert any(path["assignedByGroup"] is None for path in paths)


@pytest.mark.parametrize(
    ("name", "check", "article"),
    [
        ("Niamh O’Connor", "assignment.not-allowed", "former-employee"),  # noqa: RUF001
        ("Press office", "assignment.not-allowed", "shared-mailbox"),
        ("Boardroom", "assignment.denied", "shared-mailbox"),
        ("Conceição Neves", "assignment.not-allowed", "guests"),
        ("Anders Lund", "assignment.not-allowed", "inactive-users"),
        ("Agnieszka Dąbrowska", "assignment.not-allowed", "move-users"),
        ("Joost Meijer", "assignment.denied", "unassign-licenses"),
        ("Test User 1", "assignment.denied", "unassign-licenses"),
        ("Emre Şahin", "assignment.error", "group-error-count"),
        ("Oğuz Öztürk", "attribute.missing", "usage-location"),
    ],
)
def test_situation_of_a_finding_decides_its_article(name: str, check: str, article: str) -> None:
    articles = {
        f.guidance
        for f in contoso().findings
        if f.subject.name == name and f.check == check and f.policy != "suite-unused-90d"
    }
    assert articles == {article}


def test_person_whose_group_licence_lacks_a_seat_gets_no_second_licence() -> None:
    retry = next(action for action in contoso().actions if action.kind == ActionKind.REPROCESS)
    checks = {f.check for f in contoso().findings if f.fingerprint in retry.findings}
    assert checks == {"assignment.error", "assignment.missing"}
    buy = next(action for action in contoso().actions if action.kind == ActionKind.BUY)
    assert buy.prerequisites[0] == (
        "Microsoft 365 F3: 213 seats today, 213 assigned. The actions free 11 and assign 9; seats needed afterwards: "
        "211. Not counted: 6 open decisions about which products people keep or get. To buy: 3. Seats afterwards: 216, 5 of them spare."
    )
    assert buy.prerequisites[1].startswith("While decisions are open, auditor plan can propose")


def test_all_actions_about_a_product_have_the_same_seat_movement() -> None:
    movements: dict[str | None, SeatMovement | None] = {}
    for action in contoso().actions:
        if action.seats is not None:
            assert (
                movements.setdefault(action.seats.sku_id, action.seats) == action.seats
                or action.kind == ActionKind.COVER
            )
    removal = next(action for action in contoso().actions if action.title.startswith("Remove 32 seats of Power BI Pro"))
    assert removal.seats is not None
    assert removal.seats.added == -removal.count
    assert sum(action.seats == removal.seats for action in contoso().actions) > 5
    spare = removal.seats.usable_after - removal.seats.assigned_after
    assert (removal.seats.usable_after, spare) == (28, 5)
    document = json.loads(line(removal))["seats"]
    assert (document["usableAfter"], document["assignedAfter"]) == (28, 23)


def test_people_with_findings_of_several_policies_are_counted_once() -> None:
    action = next(a for a in contoso().actions if (a.guidance, a.kind) == ("shared-mailbox", "unassign"))
    assert (action.count, len(action.findings), len(action.requests)) == (3, 6, 3)


@pytest.mark.slow
def test_situation_is_unknown_if_the_finding_has_no_path_or_trial() -> None:
    loaded = load(policies(AS_OF)).policies
    context = context_of(contoso(), loaded, AS_OF.date())
    finding = next(f for f in contoso().findings if f.check == "assignment.overlap")
    assert route_of(finding, context).situation.path is None
    spare = next(f for f in contoso().findings if f.check == "seats.above-maximum")
    assert route_of(spare, context).situation.is_trial is None


def test_every_action_kind_has_an_order() -> None:
    assert set(ORDER) == set(ActionKind), "add the kind to auditor/remedy/kinds.py and titles.py"


def test_imbalance_actions_follow_the_agreement_of_each_tenant() -> None:
    fabrikam_action, contoso_action = demo_result().fleet.actions
    assert (fabrikam_action.kind, contoso_action.kind) == ("buy-in-tenant", "give-up-in-tenant")
    assert "Fabrikam" in fabrikam_action.title
    assert "Contoso" in contoso_action.title
    for action in (fabrikam_action, contoso_action):
        assert action.findings == tuple(finding.fingerprint for finding in demo_result().fleet.findings)
        assert action.guidance == "transfer-between-tenants"
        assert any("not possible to transfer licences" in text for text in action.prerequisites)
    # Fabrikam buys from a partner, Contoso from Microsoft: the steps follow the agreement of each tenant.
    assert any("partner" in step for step in fabrikam_action.steps)
    assert not any("Remove the licences" in step for step in fabrikam_action.steps)
    assert not any(step.startswith("Ask the partner") for step in contoso_action.steps)
    assert any("Remove the licences" in step for step in contoso_action.steps)


def test_imbalance_actions_move_no_people() -> None:
    """Both tenants stay in use, and nobody holds the spare seats."""
    for action in demo_result().fleet.actions:
        texts = " ".join((*action.prerequisites, *action.steps, *action.warnings)).casefold()
        assert not any(word in texts for word in ("mailbox", "onedrive", "sharepoint", "decommission", "domain"))
        assert action.irreversible == ()


def test_leavers_are_in_one_action_per_kind_and_article() -> None:
    findings = {finding.fingerprint: finding for finding in contoso().findings}
    user_actions = [
        (action.kind, action.guidance, person)
        for action in contoso().actions
        if action.guidance in {"former-employee", "inactive-users"}
        for person in {findings[fingerprint].subject.id for fingerprint in action.findings}
    ]
    assert len(set(user_actions)) == len(user_actions)
    combined = next(action for action in contoso().actions if "from 6 groups" in action.title)
    assert combined.title.startswith("Remove 10 people from 6 groups that assign Microsoft 365 E3 and 5 other products")
    assert combined.before is not None
    assert combined.before.per_month == Decimal("342.05")


def test_prerequisites_name_every_role_that_a_step_needs() -> None:
    leavers = next(
        action for action in contoso().actions if (action.guidance, action.kind) == ("former-employee", "leave-group")
    )
    prerequisites = " ".join((leavers.role, *leavers.prerequisites))
    for role in ("User Administrator", "Exchange Administrator", "SharePoint Administrator", "Groups Administrator"):
        assert role in prerequisites
    assert "Global" not in prerequisites


def test_titles_name_services_and_properties_as_the_portal_does() -> None:
    titles = " ".join(action.title for action in contoso().actions)
    assert "Set usage location of 3 people" in titles
    assert "usageLocation" not in titles
    assert "Turn on Microsoft Teams (TEAMS1)" in titles


def test_prerequisites_list_the_products_that_satisfy_a_named_set() -> None:
    action = next(action for action in contoso().actions if action.title.startswith("Assign Microsoft 365 E3"))
    assert action.prerequisites[0].startswith("Any one of these products is enough: Microsoft 365 E3, ")


def test_titles_say_why_somebody_loses_a_licence() -> None:
    reasons = {"former-employee": "former employee", "inactive-users": "inactive user", "guests": "guest"}
    explained = [action for action in demo_actions() if action.guidance in reasons]
    assert explained
    assert all(reasons[action.guidance] in action.title for action in explained)


def test_first_link_is_the_article_itself() -> None:
    leavers = next(action for action in contoso().actions if action.guidance == "former-employee")
    assert leavers.links[0].address.endswith("/remove-former-employee")


@pytest.mark.parametrize(
    ("bounds", "enabled", "titles"),
    [
        # 31 used: five spare seats keep the minimum, but are more than 1 % of any possible number of seats.
        ("{min: 5, max: 1%}", 36, ["Correct the limits of Microsoft 365 E3: no number of seats satisfies both"]),
        ("{min: 5, max: 1%}", 40, ["Remove 4 seats of Microsoft 365 E3 at the renewal"]),
        (
            "{min: 5, max: 1%}",
            33,
            [
                "Correct the limits of Microsoft 365 E3: no number of seats satisfies both",
                "Free or buy 3 seats of Microsoft 365 E3",
            ],
        ),
        ("{min: 5, max: 20%}", 33, ["Free or buy 3 seats of Microsoft 365 E3"]),
    ],
)
def test_no_action_buys_seats_that_another_gives_back(bounds: str, enabled: int, titles: list[str]) -> None:
    text = f"version: 1\npolicies:\n- {{id: s, severity: low, title: t, seats: {{of: SPE_E3, spare: {bounds}}}}}\n"
    loaded = load([("policies/p.yaml", text.encode())]).policies
    state = tenants.tenant(subscribedSkus=[tenants.bought("SPE_E3", enabled, 31)])
    (audited_tenants,) = with_actions(audit([state], loaded, builtin(), AS_OF), loaded).tenants
    assert [action.title for action in audited_tenants.actions] == titles
    assert sum(len(action.findings) for action in audited_tenants.actions) == len(audited_tenants.findings)
    for action in audited_tenants.actions:
        corrects_limits = action.title.startswith("Correct the limits")
        assert ((action.kind, action.money, action.confidence) == ("bounds", None, "review")) is corrects_limits
        assert (
            any("Change the minimum or the maximum" in prerequisite for prerequisite in action.prerequisites)
            == corrects_limits
        )


@pytest.mark.slow
def test_only_actions_that_turn_a_service_off_warn_about_its_data() -> None:
    warned = {
        kind: {
            "the mailbox data is kept for 30 days" in " ".join(action.warnings)
            for action in demo_actions()
            if action.kind == kind
        }
        for kind in (ActionKind.SERVICE_ON, ActionKind.SERVICE_OFF)
    }
    assert warned == {ActionKind.SERVICE_ON: {False}, ActionKind.SERVICE_OFF: {True}}
