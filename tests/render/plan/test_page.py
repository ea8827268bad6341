"""The page and the Markdown of a plan: the guidance of every action, shown in full or as a reference."""

import re
from collections.abc import Callable

import pytest

from auditor.localization import localization
from auditor.remedy.planner.model import FleetPlan
from auditor.remedy.planner.redaction import redacted_plan
from auditor.render.plan.html import plan_html
from auditor.render.plan.markdown import plan_markdown
from auditor.render.plan.page import plan_view
from auditor.result.redaction.pseudonyms import RedactionKey
from tests.builders.tenant.plan_tenants import (
    CLOUD_GROUP,
    E3,
    LEAVERS,
    PRICES,
    VISIO,
    fleet,
    grant,
    group,
    snapshot,
    user,
)

RULES = "policies: [{id: none, title: 'Nobody, not *even* ann@contoso.example', severity: high, assignments: {deny: paid}}]\n"


def plan() -> FleetPlan:
    people = [user("ann", grant(E3)), user("bo", grant(VISIO))]
    return fleet([snapshot(people, {E3: 5, VISIO: 5})], RULES)


@pytest.mark.slow
def test_every_action_shows_its_steps_or_the_action_that_has_them() -> None:
    l10n = localization("en")
    (tenant,) = plan_view(plan(), l10n).tenants
    guides = [view.guide for part in tenant.parts for view in part.actions if view.guide is not None]
    repeated = [guide for guide in guides if any("steps" in names for _, names in guide.guidance.repeated)]
    assert 0 < len(repeated) < len(guides)
    page, document = plan_html(plan(), l10n=l10n).decode(), plan_markdown(plan(), l10n=l10n).decode()
    for text, heading, reference in (
        (page, "<h4>Steps</h4>", r'<b>[\w ,]*Steps[\w ,]*</b>: The same as for: <a href="#(t1-\d+)">'),
        (document, "**Steps**\n", r"\*\*[\w ,]*Steps[\w ,]*\*\*: The same as for: \[.*\]\(#(t1-\d+)\)"),
    ):
        assert text.count(heading) == len(guides) - len(repeated)
        targets = re.findall(reference, text)
        assert len(targets) == len(repeated)
        assert all(f'id="{target}"' in text for target in targets)


@pytest.mark.parametrize(("writer", "warnings"), [(plan_html, "<h4>Warnings</h4>"), (plan_markdown, "**Warnings**")])
def test_requests_come_after_the_warnings_and_steps_of_the_action(writer: Callable[..., bytes], warnings: str) -> None:
    people = fleet([snapshot([user("leaver", grant(E3), accountEnabled=False)], {E3: 5})], LEAVERS)
    text = writer(people, l10n=localization("en")).decode()
    positions = [text.index(part) for part in (warnings, "Save the mailbox.", "Set-MgUserLicense")]
    assert positions == sorted(positions)


@pytest.mark.slow
def test_every_action_names_the_policies_whose_findings_it_fixes() -> None:
    l10n = localization("en")
    (tenant,) = plan_view(plan(), l10n).tenants
    views = [view for part in tenant.parts for view in part.actions if view.action is not None]
    assert views
    assert {view.policies for view in views} == {"Policy: Nobody, not *even* ann@contoso.example"}
    assert plan_html(plan(), l10n=l10n).decode().count(">Policy: Nobody, not *even* ann@contoso.example<") == len(views)
    hidden = redacted_plan(plan(), RedactionKey(secret=b"a key of 16 bytes or more", stable=True))
    document = plan_markdown(hidden, l10n=l10n).decode()
    assert document.count("Policy: Nobody, not \\*even\\* user-") == len(views)
    assert "ann@contoso.example" not in document


@pytest.mark.slow
def test_first_actions_of_a_tenant_are_not_repeated_below_those_of_all_tenants() -> None:
    both = snapshot([user("ann", grant(E3)), user("bo", grant(VISIO))], {E3: 5, VISIO: 5}, name="both")
    same = snapshot([user("cy", grant(E3))], {E3: 5}, name="same")
    view = plan_view(fleet([both, same], RULES), localization("en"))
    assert [(action.place, action.elsewhere) for action in view.first] == [
        ("both", "also in 1 other tenant"),
        ("both", ""),
    ]
    assert {tenant.title: len(tenant.first) for tenant in view.tenants} == {"both": 0, "same": 1}
    (alone,) = plan_view(fleet([both], RULES), localization("en")).tenants
    assert len(alone.first) == 2


def test_reasons_of_remaining_findings_have_no_markup() -> None:
    people = [user("leaver", grant(E3, "g1"), accountEnabled=False), user("stays", grant(E3, "g1"))]
    synced = group("LIC-E3", E3, **{**CLOUD_GROUP, "members": ["leaver", "stays"], "onPremisesSyncEnabled": True})
    made = fleet([snapshot(people, {E3: 5}, groups=[synced])], LEAVERS)
    (tenant,) = plan_view(made, localization("en")).tenants
    ((reason, _),) = tenant.remaining
    assert reason == "The group LIC-E3 is synchronised from on premises: change its members there."


def test_names_of_groups_are_escaped_in_guidance_and_its_markup_is_kept() -> None:
    names = ("<img src=x>", "[x](https://evil.example)")
    people = [user(name, grant(E3, name), accountEnabled=False) for name in ("g1", "g2")]
    groups = [
        group(name, E3, identifier=f"g{number}", **{**CLOUD_GROUP, "members": [f"g{number}"]})
        for number, name in enumerate(names, 1)
    ]
    made, l10n = fleet([snapshot(people, {E3: 5}, groups=groups)], LEAVERS), localization("en")
    document = plan_markdown(made, l10n=l10n).decode()
    for name in (r"\<img src=x\>", r"\[x\](https\://evil.example)"):
        assert f"- The change applies to every member of the group {name}, including those" in document
    assert "Go to the **Billing** > **Licenses** page" in document


IDLE = "  - {id: idle, severity: low, seats: {of: paid, spare: {max: 1}}}\n" + PRICES


@pytest.mark.parametrize(
    ("rules", "explained", "removed"), [(LEAVERS + IDLE, True, ["€107.10"]), (LEAVERS + PRICES, False, [])]
)
def test_only_the_cost_of_open_findings_is_shown_before_and_after_the_plan(
    rules: str,
    explained: bool,  # noqa: FBT001
    removed: list[str],
) -> None:
    people = [user("leaver", grant(E3), accountEnabled=False), user("stays", grant(E3))]
    made, l10n = fleet([snapshot(people, {E3: 5})], rules), localization("en")
    (tenant,) = plan_view(made, l10n).tenants
    (cost,), (freed, renewal, *saved) = tenant.costs, tenant.seat_values
    page, document = plan_html(made, l10n=l10n).decode(), plan_markdown(made, l10n=l10n).decode()
    assert (
        f"| Monthly cost | Before | After |\n| --- | ---: | ---: |\n| in open findings | {cost.before} | {cost.after} |\n\n"
        in document
    )
    assert f"<td>{cost.before}</td><td>{cost.after}</td></tr>" in page
    assert freed.amount == "€35.70"
    assert renewal.label == "removable at the renewal: freed seats, and spare seats beyond what policies allow"
    assert [(value.label, value.amount) for value in saved] == [("saved by removing seats", text) for text in removed]
    for value in tenant.seat_values:
        assert f"| {value.label} | {value.amount} |\n" in document
        assert f'<tr><th scope="row">{value.label}</th><td>{value.amount}</td></tr>' in page
    sentence = "The cost of open findings falls by less than the freed seats are worth"
    assert (sentence in page, sentence in document) == (explained, explained)
