"""Who decides about an action, how equal titles are told apart, and which of several savings comes first."""

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of
from tests.builders.tenant.tenants import person

F3, VISIO = "SPE_F1", "VISIOCLIENT"


def actions_of(*policies: str, departments: str = "AB") -> list[Action]:
    """Return the actions of a tenant with two blocked people per department, who have a product, and idle seats."""
    people = [
        person(f"{department}{number}", F3, department=department, accountEnabled=False)
        for department in departments
        for number in (1, 2)
    ]
    held = len(people)
    rows = [product(F3, held + 2, held), product(VISIO, 7, 0)]
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_F1: 10, VISIOCLIENT: 10}}"
    text = "\n".join(["policies:", *policies, prices])
    return list(audited(state_of(people, rows, []), text).tenants[0].actions)


def leavers(name: str, owner: str = "", severity: str = "low", users: str = "accountEnabled: false") -> str:
    named = f", owner: {owner}" if owner else ""
    return f"- {{id: {name}, severity: {severity}{named}, users: {{{users}}}, assignments: {{of: paid, allow: []}}}}"


@pytest.mark.parametrize(
    ("policies", "owners", "decided_by"),
    [
        ([leavers("a", "anna")], ("anna",), "anna"),
        ([leavers("a")], (), "Owner of the policy (none is named)"),
        ([leavers("a", "anna", "low"), leavers("b", "bob", "high")], ("bob", "anna"), "bob, anna"),
        ([leavers("a", "anna", "low"), leavers("b", "", "high")], ("anna",), "anna"),
        ([leavers("a", "anna"), leavers("b", "anna")], ("anna",), "anna"),
    ],
)
def test_owners_of_the_worst_findings_decide(policies: list[str], owners: tuple[str, ...], decided_by: str) -> None:
    (action,) = [action for action in actions_of(*policies, departments="A") if action.kind == "unassign"]
    assert (action.owners, action.owner, action.confidence) == (owners, ", ".join(owners), "review")
    assert action.decided_by == decided_by


def test_nobody_has_to_decide_about_a_required_product() -> None:
    (action,) = actions_of("- {id: draw, severity: low, owner: anna, assignments: {require: [VISIOCLIENT]}}")
    assert (action.owner, action.decided_by, action.confidence) == ("anna", "", "certain")


def test_equal_titles_are_distinguished_by_their_owners() -> None:
    policies = [
        leavers(name.lower(), owner, users=f"accountEnabled: false, department: {name}")
        for name, owner in (("A", "anna"), ("B", "bob"))
    ]
    assert {action.owner: action.title for action in actions_of(*policies)} == {
        owner: f"Unassign Microsoft 365 F3 from 2 people ({owner}) – Free the licence of a former employee"
        for owner in ("anna", "bob")
    }


@pytest.mark.parametrize(("few", "many"), [(F3, VISIO), (VISIO, F3)])
def test_largest_saving_of_equal_actions_comes_first(few: str, many: str) -> None:
    """One seat is removed of the first product, and two or seven of the other."""
    spare = {F3: 2, VISIO: 7}
    actions = actions_of(
        f"- {{id: few, severity: low, seats: {{of: [{few}], spare: {{max: {spare[few] - 1}}}}}}}",
        f"- {{id: many, severity: low, seats: {{of: [{many}], spare: {{max: 0}}}}}}",
    )
    saved = [action.saves.per_month for action in actions if action.saves is not None]
    assert saved == [10 * spare[many], 10]
