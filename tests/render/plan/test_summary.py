"""The summary of a plan."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from auditor.domain.message import Message
from auditor.localization import localization
from auditor.policy.loader import load
from auditor.remedy.planner.model import Remaining, TenantPlan
from auditor.render.plan.page import plan_view
from auditor.render.plan.summary import missing_data, outdated_data, summary
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, PRICES, VISIO, fleet, grant, planned, snapshot, user
from tests.builders.tenant.tenants import NOW

LEAVERS = (
    "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]\n"
)


def test_plan_with_excluded_alternatives_is_not_called_the_best() -> None:
    plan = planned(snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5}), LEAVERS)
    for solver in ("none", "walk", "milp"):
        limited = replace(plan, solver=replace(plan.solver, name=solver, optimal=False))
        text = " ".join(summary(limited, localization("en")))
        assert "A better plan may exist" in text


@pytest.mark.parametrize(
    ("locale", "texts"),
    [("en", ("1 remains.", "2 remain.")), ("nl", ("1 blijft over.", "2 blijven over.")),
     ("de", ("1 bleibt offen.", "2 bleiben offen."))],
)  # fmt: skip
def test_verb_about_remaining_findings_follows_their_number(locale: str, texts: tuple[str, str]) -> None:
    plan = planned(snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5}), LEAVERS)
    for count, text in enumerate(texts, start=1):
        remaining = tuple(Remaining(fingerprint=str(number), code="person", why="") for number in range(count))
        first, *_ = summary(replace(plan, proof=replace(plan.proof, remaining=remaining)), localization(locale))
        assert first.endswith(f"; {text}")


@pytest.mark.slow
def test_findings_fixed_by_decided_seats_are_counted_apart_from_those_fixed_by_requests() -> None:
    spare = LEAVERS.replace("]\n", ", {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 1}}}]\n")
    people = [user("ann", grant(E3), accountEnabled=False), user("bo", grant(E3))]
    state = snapshot(people, {E3: 9}, subscriptions=[subscription("SPE_E3", 9, "2026-12-20")])
    plan, _ = answered_plan([state], load([("policies/p.yaml", f"version: 1\n{spare}".encode())]).policies)
    first, *_ = summary(plan.tenants[0], localization("en"))
    assert first.endswith(
        "has 2 open findings. Decided purchases and renewals fix 1 of them. 1 request fixes 1 of them; 0 remain."
    )


@pytest.mark.slow
def test_missing_prices_are_mentioned_only_if_there_is_a_price_list() -> None:
    state = snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5})
    for prices, mentioned in (("", False), (PRICES, True)):
        plan = planned(state, LEAVERS + prices)
        plan = replace(plan, solver=replace(plan.solver, unpriced=(VISIO,)))
        assert any("Products without a price" in text for text in summary(plan, localization("en"))) == mentioned


def incomplete(plan: TenantPlan, name: str, *reasons: Message) -> TenantPlan:
    return replace(plan, name=name, title=name, complete=False, omitted=reasons)


def test_tenants_with_the_same_reason_share_a_line_in_the_language_of_the_reader_the_worst_first() -> None:
    plans = fleet([snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5})], LEAVERS)
    (plan,) = plans.tenants
    unread, refused = (
        Message("{source}: not collected", source="X"),
        Message("the sign-in was refused: {text}", text="x"),
    )
    failed = replace(plan, before=replace(plan.before, open=None))
    without_findings = replace(plan, findings=())
    tenants = [
        incomplete(without_findings, "a", unread),
        plan,
        incomplete(plan, "b", unread),
        incomplete(failed, "c", refused),
    ]
    missing = tuple(missing_data(replace(plans, tenants=tuple(tenants)), localization("nl")))
    assert missing == (("c", "niet gecontroleerd: de aanmelding is geweigerd: x"), ("b, a", "X: niet verzameld"))
    assert summary(tenants[0], localization("nl"))[-1].endswith("het plan laat weg: X: niet verzameld.")
    assert summary(tenants[-1], localization("nl")) == (
        "c kon niet worden gecontroleerd: de aanmelding is geweigerd: x",
    )


@pytest.mark.slow
def test_plan_says_that_its_data_was_read_more_than_a_day_before() -> None:
    l10n = localization("en")
    states = {
        name: snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5}, name=name)
        for name in ("new", "old", "oldest")
    }
    for name, hours in (("new", 24), ("old", 25), ("oldest", 73)):
        manifest = states[name].manifest
        states[name] = replace(states[name], manifest=replace(manifest, instant=NOW - timedelta(hours=hours)))
    plan = fleet([*states.values()], LEAVERS)
    texts = {tenant.name: " ".join(summary(tenant, l10n)) for tenant in plan.tenants}
    sentences = {
        name: f"The data was read on {l10n.day(NOW - timedelta(hours=hours))}, more than a day before the plan;"
        for name, hours in (("old", 25), ("oldest", 73))
    }
    assert "was read on" not in texts["new"]
    assert all(sentence in texts[name] for name, sentence in sentences.items())
    assert [names for names, _ in outdated_data(plan, l10n)] == ["old", "oldest"]
    overview, sections = plan_view(plan, l10n, "plan.html"), plan_view(plan, l10n)
    assert len(overview.missing) == 2
    assert all(sentence in " ".join(overview.missing) for sentence in sentences.values())
    assert sections.missing == (), "the sections of the tenants say it"
