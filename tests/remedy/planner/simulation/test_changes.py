"""What the requests of a plan change, and the requests that revert them."""

from auditor.remedy.requests import set_property
from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.plan_tenants import snapshot, user

RULES = """version: 1
policies:
  - {id: sales, severity: high, users: {userType: Member}, attributes: {allow: {department: [Sales]}}}
  - {id: utrecht, severity: high, users: {userType: Member}, attributes: {allow: {city: [Utrecht]}}}
"""


def test_every_property_of_a_person_is_restored() -> None:
    tenant = snapshot([user("ann", userType="Member", department="Office", city="Breda")], {})
    questions = decided_plan(RULES, [tenant]).tenants[0].questions
    decisions = [{"question": question.id, "answer": dict(question.answers[0])} for question in questions]
    changes = decided_plan(RULES, [tenant], *decisions).tenants[0].changes
    assert changes is not None
    assert changes.properties == {"ann": {"city": "Breda", "department": "Office"}}
    (steps,) = changes.steps.values()
    assert [(step.request.body, step.undo, step.final) for step in steps] == [
        ({"city": "Utrecht"}, set_property("ann", "city", "Breda"), ""),
        ({"department": "Sales"}, set_property("ann", "department", "Office"), ""),
    ]
