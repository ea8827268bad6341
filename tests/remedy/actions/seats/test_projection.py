"""The number of seats of an action keeps the limits of all policies once all actions are done, and no other does so."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.domain.actions.action import Action
from auditor.domain.policy.model import Bound, PolicySet, Seats
from auditor.engine.skus.seat_bounds import Breach, broken_bounds
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person, policy_set

LEAVERS = "- {id: leavers, severity: low, users: {department: Left}, assignments: {of: [SPE_F1], allow: []}}\n"
STORE = "- {id: store, severity: low, users: {department: Store}, assignments: {require: [SPE_F1]}}\n"
STATES = "- {id: state, severity: low, subscriptions: {of: [SPE_F1], states: {deny: [Suspended]}}}\n"
SHORT = {Breach.OVER_ASSIGNED, Breach.BELOW_MINIMUM}


class Case(NamedTuple):
    """The seats of a product, the people who keep, lose and get one, and the limits of policies."""

    enabled: int
    warning: int = 0
    suspended: int = 0
    keep: int = 0
    lose: int = 0
    get: int = 0
    limits: tuple[str, ...] = ()


def policies_of(case: Case) -> str:
    seats = [
        f"- {{id: limit{n}, severity: high, seats: {{of: [SPE_F1], {limit}}}}}\n" for n, limit in enumerate(case.limits)
    ]
    return "".join(["policies:\n", LEAVERS, STORE, STATES, *seats])


def actions_of(case: Case) -> Sequence[Action]:
    counts = {"Office": case.keep, "Left": case.lose, "Store": case.get}
    people = [
        person(f"{name}{number}", *([] if name == "Store" else ["SPE_F1"]), department=name)
        for name, count in counts.items()
        for number in range(count)
    ]
    row = product("SPE_F1", case.enabled, case.keep + case.lose, warning=case.warning, suspended=case.suspended)
    rows = [subscription("SPE_F1", case.suspended, "2027-06-01", "Suspended")] if case.suspended else []
    return audited(state_of(people, [row], rows), policies_of(case)).tenants[0].actions


def breaches_after(case: Case, policies: PolicySet, change: int, *, revived: bool) -> set[Breach]:
    """Return how the limits are broken once people and seats have changed."""
    consumed, broken = case.keep + case.get, set[Breach]()
    for policy in policies.policies:
        if isinstance(block := policy.constraint, Seats):
            warning = 0 if block.count_grace_units or revived else case.warning
            usable = case.enabled + case.warning - warning + (case.suspended if revived else 0) + change
            broken |= {breach for breach, _ in broken_bounds(usable, consumed, block.minimum, block.maximum)}
    return broken


def bounds_of(policies: PolicySet) -> list[tuple[Bound | None, Bound | None]]:
    return [(p.constraint.minimum, p.constraint.maximum) for p in policies.policies if isinstance(p.constraint, Seats)]


LIMITS = (
    "spare: {min: 0}", "spare: {min: 3}", "spare: {max: 0}", "spare: {max: 4}", "spare: {min: 1, max: 2}",
    "spare: {min: 20%}", "spare: {max: 10%}", "spare: {min: 5, max: 10%}", "spare: {min: 2}, graceUnits: ignore",
)  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> Case:
    few, many = st.integers(0, 3), st.integers(0, 12)
    limits = draw(st.lists(st.sampled_from(LIMITS), min_size=1, max_size=3, unique=True))
    suspended = draw(st.sampled_from([0, 0, 0, 2, 6]))
    return Case(draw(many), draw(few), suspended, draw(many), draw(many), draw(few), tuple(limits))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(cases())
@example(Case(43, keep=2, lose=38, limits=("spare: {min: 5, max: 10%}",)))  # the limits contradict each other then
@example(Case(1, warning=2, suspended=3, keep=7, limits=("spare: {min: 1}, graceUnits: ignore",)))
@example(Case(0, suspended=2, keep=3, limits=("spare: {min: 0}",)))
@example(Case(9, keep=2, limits=("spare: {max: 0}", "spare: {max: 4}")))
@example(Case(2, keep=5, limits=("spare: {min: 0}", "spare: {min: 3}")))
@example(Case(9, keep=4, lose=3, get=2, limits=("spare: {min: 1, max: 2}",)))
@example(Case(40, keep=39, limits=("spare: {min: 5, max: 10%}",)))
@example(Case(5, keep=3, get=2, limits=("spare: {max: 1}",)))
@example(Case(9, suspended=4, keep=2, limits=("spare: {max: 0}",)))
@example(Case(3, suspended=4, keep=3, lose=2, limits=("spare: {min: 0}",)))
@example(Case(20, keep=2, limits=("spare: {min: 5, max: 10%}",)))
@example(Case(7, keep=2, limits=("spare: {min: 5, max: 10%}",)))
@example(Case(1, suspended=3, keep=5, limits=("spare: {min: 0}, graceUnits: ignore",)))
def test_number_of_seats_keeps_the_limits_of_all_policies(case: Case) -> None:
    policies, actions = policy_set(policies_of(case)), actions_of(case)
    kinds = {action.kind for action in actions}
    about = [action.seats for action in actions if action.kind in {"buy", "remove-seats-at-renewal"}]
    today = {
        breach
        for low, high in bounds_of(policies)
        for breach, _ in broken_bounds(case.enabled + case.warning, case.keep + case.lose, low, high)
    }
    assert len(about) <= 1
    assert all(
        seats is not None
        and (seats.usable, seats.assigned) == (case.enabled + case.warning, case.keep + case.lose)
        and (seats.freed, seats.given) == (case.lose, case.get)
        for seats in about
    )
    if not about and not today:
        return
    change = sum(seats.added for seats in about if seats is not None)
    reactivation = any(action.kind == "subscription-state" and len(action.findings) > 1 for action in actions)
    revived = reactivation or any(seats is not None and seats.revived for seats in about)
    after = breaches_after(case, policies, change, revived=revived)
    if "bounds" in kinds:
        assert Breach.ABOVE_MAXIMUM in today, "otherwise, seats are bought"
        tried = [breaches_after(case, policies, number, revived=False) for number in range(-40, 40)]
        assert all(tried), "no number of seats keeps all limits"
        if not case.lose:
            assert breaches_after(case, policies, -1, revived=False) & SHORT, "no seat can be removed"
        return
    assert not after & SHORT
    if reactivation:
        assert breaches_after(case, policies, 0, revived=False) & SHORT, "seats would be missing otherwise"
        return
    assert change or Breach.ABOVE_MAXIMUM not in after & today, "otherwise, the limits are to be corrected"
    if change > 0 or Breach.ABOVE_MAXIMUM in after:
        assert breaches_after(case, policies, change - 1, revived=revived) & SHORT, "no seat less would be enough"
    if change < 0 and not after:
        assert Breach.ABOVE_MAXIMUM in breaches_after(case, policies, change + 1, revived=revived)
