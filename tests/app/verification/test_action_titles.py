"""Titles of the actions of a saved plan in another language, from the snapshot to the verification in a result."""

import json

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.app.report.localization import localized_verification
from auditor.app.verification.plan_file import decoded_plan
from auditor.app.verification.verify import plans_of, verified
from auditor.catalogue import builtin
from auditor.domain.errors import SnapshotError
from auditor.localization import localization
from auditor.render.plan.json import plan_json
from auditor.result.codec.encoder import document
from auditor.result.codec.result_document import result_document
from auditor.result.codec.result_reader import load
from tests.builders.tenant.plan_tenants import CLOUD_GROUP, E3, E5, F3, PRICES, grant, group, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set
from tests.localization.catalogue_messages import LANGUAGES

pytestmark = pytest.mark.slow
RULES = f"""policies:
  - {{id: a-north, owner: north@x.example, severity: high, users: {{department: North}}, assignments: {{allow: []}}}}
  - {{id: a-south, owner: south@x.example, severity: high, users: {{department: South}}, assignments: {{allow: []}}}}
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{of: paid, allow: []}}}}
  - {{id: suite, severity: high, users: {{department: Office}}, assignments: {{require: [[SPE_E5, SPE_F1]]}}}}
  - {{id: place, severity: low, attributes: {{require: [usageLocation]}}}}
  - {{id: cost, severity: low, budget: {{limit: 10}}}}
{PRICES}
"""
HOSTILE = "LIC or <b>{count}</b> (E3) – 5 people and 3 other products"
STATE = snapshot(
    [
        user("ann", grant(E3, "g1"), accountEnabled=False, memberOf=["g1"]),
        user("bob", grant(E5), grant(F3), accountEnabled=False),
        user("eva", department="Office", usageLocation=None),
        user("kim", grant(F3), accountEnabled=False, department="North"),
        user("leo", grant(F3), accountEnabled=False, department="South"),
    ],
    {E3: 3, E5: 3, F3: 3},
    groups=[group(HOSTILE, E3, **CLOUD_GROUP)],
)


def translated_titles(plan: bytes, language: str) -> list[str]:
    """Return the titles in a result that was verified with a plan, saved, read again and translated."""
    policies = policy_set(RULES)
    result = audit([STATE], policies, builtin(), NOW)
    checked = verified(result, (), plans_of(decoded_plan(plan, where="plan.json"), ()), policies)
    read_again = load(document(result_document(checked)))
    (tenant,) = localized_verification(read_again, language).tenants
    assert tenant.verification is not None
    return [action.title for action in tenant.verification.actions]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_titles_of_a_saved_plan_equal_those_of_a_plan_in_the_language(language: str) -> None:
    policies = policy_set(RULES)
    plan = plan_json(plan_run([STATE], policies, builtin(), NOW))
    (direct,) = plan_run([STATE], policies, builtin(), NOW, l10n=localization(language)).tenants
    titles = translated_titles(plan, language)
    assert titles == [action.title for action in direct.actions]
    assert any(HOSTILE in title for title in titles)
    assert len(set(titles)) == len(titles), "equal titles of different owners name them"
    assert any("(south@x.example)" in title for title in titles)
    assert any("€" in title for title in titles)


def test_titles_of_a_plan_of_an_earlier_version_stay_english() -> None:
    saved = json.loads(plan_json(plan_run([STATE], policy_set(RULES), builtin(), NOW)))
    for action in saved["tenants"][0]["actions"]:
        del action["titleArguments"]
    english = [action["title"] for action in saved["tenants"][0]["actions"]]
    assert translated_titles(json.dumps(saved).encode(), "nl") == english


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"count": 10**30}, ".count: has the value 1000000000000000000000000000000, not a whole number from -9007199254740992"),
        ({"count": 2, "extra": "LIC"}, ".extra: has the value 'LIC', not a list"),
        ({"count": 2, "money": {"currency": "EUR", "perMonth": 1e300}}, ".money.perMonth: has the value 1e+300, not an amount"),
        ({}, ": 'count' is missing"),
        ([], ": has the value [], not an object"),
    ],
)  # fmt: skip
def test_damaged_values_of_a_title_are_reported_with_their_place(value: object, problem: str) -> None:
    saved = json.loads(plan_json(plan_run([STATE], policy_set(RULES), builtin(), NOW)))
    saved["tenants"][0]["actions"][0]["titleArguments"] = value
    with pytest.raises(SnapshotError) as caught:
        decoded_plan(json.dumps(saved).encode(), where="plan.json")
    assert caught.value.slug == "plan-damaged"
    assert f"plan.json: tenants[0].actions[0].titleArguments{problem}" in str(caught.value)
