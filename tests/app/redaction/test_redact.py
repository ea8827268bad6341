"""Pseudonyms: the same with the same key, telling people apart, and nothing else changed."""

from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.redaction.pseudonyms import Key, key_of
from auditor.app.redaction.redact import redacted
from auditor.domain.actions.action import Action
from auditor.domain.enums import SubjectType
from auditor.domain.errors import UsageError
from auditor.domain.result.model import Result
from tests.builders.tenant.tenants import TENANT_ID, audited, bought, policy_file, tenant, user

KEY = Key(secret=b"a key of 16 bytes or more", stable=True)


def found() -> Result:
    state = tenant(
        user("ann", "SPE_E3"), user("bob", "SPE_E3", displayName="E3"), subscribedSkus=[bought("SPE_E3", 1, 2)]
    )
    policies = policy_file("assignments: {deny: [SPE_E3]}") + "- {id: q, severity: low, seats: {spare: {min: 0}}}\n"
    return audited(policies, state)


def with_action(**texts: Any) -> Action:
    result = found()
    action = Action(id="x", guidance="g", findings=(), title="Take it away", **texts)
    (only,) = result.tenants
    return redacted(replace(result, tenants=(replace(only, actions=(action,)),)), KEY).tenants[0].actions[0]


ANN, BOB = KEY.person(TENANT_ID, "id-ann"), KEY.person(TENANT_ID, "id-bob")


def test_only_people_and_fingerprints_are_replaced() -> None:
    before, after = found().tenants[0], redacted(found(), KEY).tenants[0]
    left = {finding.fingerprint: finding for finding in after.findings}
    assert len(left) == len(before.findings)
    for one in before.findings:
        other = left[KEY.fingerprint(one.fingerprint)]
        assert (one.product, one.money, one.check) == (other.product, other.money, other.check)
        if one.subject.type is SubjectType.USER:
            assert other.subject.id == other.subject.name == other.evidence["userPrincipalName"]
            assert other.evidence["assignedLicenses"] == ["SPE_E3"]
        else:
            assert replace(one, fingerprint=other.fingerprint) == other
    assert {finding.subject.id for finding in after.findings if finding.subject.type is SubjectType.USER} == {ANN, BOB}


@pytest.mark.slow
def test_pseudonyms_stay_with_the_key_and_differ_between_tenants_and_keys() -> None:
    assert redacted(found(), KEY) == redacted(found(), KEY)
    other = Key(secret=b"another key of 16 bytes or more", stable=True)
    assert redacted(found(), KEY) != redacted(found(), other)
    assert KEY.redaction.key != other.redaction.key
    assert KEY.person("a", "x") != KEY.person("b", "x")
    assert len({KEY.person("a", str(number)) for number in range(5000)}) == 5000
    assert redacted(redacted(found(), KEY), other) == redacted(found(), KEY)


def test_the_key_comes_from_the_environment_or_from_chance() -> None:
    given = key_of({"AUDITOR_REDACT_KEY": "0123456789abcdef\n"}, bytes)
    assert (given.secret, given.stable) == (b"0123456789abcdef", True)
    for environ in ({}, {"AUDITOR_REDACT_KEY": ""}):
        chance = key_of(environ, lambda count: b"r" * count)
        assert (chance.secret, chance.stable) == (b"r" * 32, False)
    with pytest.raises(UsageError) as refused:
        key_of({"AUDITOR_REDACT_KEY": "0123456789abcde"}, bytes)
    assert refused.value.slug == "redact-key"
    assert "0123456789" not in str(refused.value)
    assert "0123456789" not in repr(given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users/id-ann/assignLicense", f"/users/{ANN}/assignLicense"),
        ("users('ID-ann')", f"users('{ANN}')"),
        ("Write to Ann@contoso.example.", f"Write to {ANN}."),
        ("id-ann,id-bob; id-annette", f"{ANN},{BOB}; id-annette"),
        # Bob is called E3: the product keeps its part number, and the word alone is his name.
        ("Remove SPE_E3", "Remove SPE_E3"),
        ("id-bob: SPE_E3 (E3)", f"id-bob: SPE_E3 ({BOB})".replace("id-bob", BOB)),
    ],
)
def test_ids_and_addresses_are_found_in_texts(text: str, expected: str) -> None:
    action = with_action(steps=(text,), requests=({"path": text, "body": [{"to": text}]},))
    assert action.steps == (expected,)
    assert action.requests == ({"path": expected, "body": [{"to": expected}]},)


def test_people_named_by_policies_are_replaced_and_groups_are_not() -> None:
    users = (
        "{userPrincipalName: [ann@contoso.example], not: {any: [{displayName: {matches: Bob*}}, {memberOf: Staff}]}}"
    )
    waiver = (
        "[{id: w, policies: [p], users: {id: id-ann}, reason: Ann is ill, owner: o@contoso.example, "
        "approvedBy: Eve Adams, ticket: HR-17, expires: 2027-01-01}]"
    )
    run = redacted(
        audited(policy_file("assignments: {deny: [SPE_E3]}", users=users, waivers=waiver), tenant()), KEY
    ).run
    spec = run.policies[0].spec["users"]
    assert spec["userPrincipalName"] == [KEY.person("", "ann@contoso.example")]
    assert spec["not"]["any"] == [{"displayName": {"matches": KEY.person("", "bob*")}}, {"memberOf": "Staff"}]
    redacted_waiver = run.definitions["waivers"][0]
    assert redacted_waiver["users"] == {"id": KEY.person("", "id-ann")}
    assert (redacted_waiver["owner"], redacted_waiver["reason"]) == (KEY.person("", "o@contoso.example"), "redacted")
    assert not {"approvedBy", "ticket"} & redacted_waiver.keys()


def test_instants_of_people_become_days() -> None:
    state = tenant(
        user("ann", "SPE_E3", createdDateTime="2020-02-03T04:05:06Z"), subscribedSkus=[bought("SPE_E3", 1, 2)]
    )
    result = audited(
        policy_file("assignments: {deny: [SPE_E3]}", users="{createdDateTime: {before: 2025-01-01}}"), state
    )
    (before,) = result.tenants[0].findings
    assert before.evidence["createdDateTime"] == "2020-02-03T04:05:06Z"
    (after,) = redacted(result, KEY).tenants[0].findings
    assert after.evidence["createdDateTime"] == "2020-02-03T00:00:00Z"


def test_the_order_of_findings_is_not_that_of_ids() -> None:
    state = tenant(*(user(f"u{number:03}", "SPE_E3") for number in range(60)), subscribedSkus=[bought("SPE_E3", 1, 60)])
    result = audited(policy_file("assignments: {deny: [SPE_E3]}"), state)
    subjects = [finding.subject.id for finding in redacted(result, KEY).tenants[0].findings]
    assert subjects == sorted(subjects)
    assert subjects != [KEY.person(TENANT_ID, finding.subject.id) for finding in result.tenants[0].findings]


def test_departments_of_few_people_are_merged_and_their_names_hide_people() -> None:
    sizes = {"Sales": 5, "Office of ann@contoso.example": 5, "IT": 4, "Legal": 1}
    people = [
        user(f"{name[:2]}{n}", "SPE_E3", department=name, costCenter=f"CC {name}")
        for name, size in sizes.items()
        for n in range(size)
    ]
    state = tenant(*people, user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 30, 16)])
    policies = policy_file("assignments: {deny: [SPE_E5]}", prices="{SPE_E3: 36}")
    result = redacted(audited(policies, state), KEY)
    report = result.tenants[0].departments
    assert report is not None
    rows = [(unit.name, unit.merged, unit.people, unit.assigned) for unit in report.departments]
    office = f"Office of {KEY.person('', 'ann@contoso.example')}"
    assert rows == [(office, 0, 5, 5), ("Sales", 0, 5, 5), (None, 3, 6, 6)]
    assert [None if unit.cost is None else unit.cost.per_month for unit in report.departments] == [180, 180, 216]
    assert [(unit.used, unit.idle, unit.unknown) for unit in report.departments][2] == (None, None, 6)
    assert [unit.name for unit in report.cost_centers] == [f"CC {office}", "CC Sales", None]


def test_a_single_small_department_is_merged_with_the_smallest_other_one() -> None:
    sizes = {"Sales": 7, "IT": 6, "Legal": 1}
    people = [user(f"{name}{n}", "SPE_E3", department=name) for name, size in sizes.items() for n in range(size)]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 30, 14)])
    report = redacted(audited(policy_file("assignments: {deny: [SPE_E5]}"), state), KEY).tenants[0].departments
    assert report is not None
    assert [(unit.name, unit.merged, unit.people) for unit in report.departments] == [("Sales", 0, 7), (None, 2, 7)]
