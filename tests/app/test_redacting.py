"""Pseudonyms: stable, telling people apart, and nothing else changed."""

from dataclasses import replace
from typing import Any

import pytest

from auditor.app.redacting import pseudonym, redacted
from auditor.domain.result import Action, Result
from auditor.domain.words import SubjectType
from tests.engine.tenants import TENANT_ID, audited, bought, policy_file, tenant, user


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
    return redacted(replace(result, tenants=(replace(only, actions=(action,)),))).tenants[0].actions[0]


ANN, BOB = pseudonym(TENANT_ID, "id-ann"), pseudonym(TENANT_ID, "id-bob")


def test_only_people_are_replaced() -> None:
    before, after = found().tenants[0], redacted(found()).tenants[0]
    for one, other in zip(before.findings, after.findings, strict=True):
        assert (one.fingerprint, one.product, one.money, one.check) == (
            other.fingerprint,
            other.product,
            other.money,
            other.check,
        )
        if one.subject.type is SubjectType.USER:
            assert other.subject.id == other.subject.name == other.evidence["userPrincipalName"]
            assert other.evidence["assignedLicenses"] == ["SPE_E3"]
        else:
            assert one == other
    assert {finding.subject.id for finding in after.findings if finding.subject.type is SubjectType.USER} == {ANN, BOB}


def test_pseudonyms_stay_and_differ_between_tenants() -> None:
    assert redacted(found()) == redacted(found())
    assert pseudonym("a", "x") != pseudonym("b", "x")
    assert len({pseudonym("a", str(number)) for number in range(5000)}) == 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users/id-ann/assignLicense", f"/users/{ANN}/assignLicense"),
        ("users('id-ann')", f"users('{ANN}')"),
        ("Write to ann@contoso.example.", f"Write to {ANN}."),
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
    waiver = "[{id: w, policies: [p], users: {id: id-ann}, reason: r, owner: o@contoso.example, expires: 2027-01-01}]"
    run = redacted(audited(policy_file("assignments: {deny: [SPE_E3]}", users=users, waivers=waiver), tenant())).run
    spec = run.policies[0].spec["users"]
    assert spec["userPrincipalName"] == [pseudonym("", "ann@contoso.example")]
    assert spec["not"]["any"] == [{"displayName": {"matches": pseudonym("", "bob*")}}, {"memberOf": "Staff"}]
    assert run.definitions["waivers"][0]["users"] == {"id": pseudonym("", "id-ann")}
    assert run.definitions["waivers"][0]["owner"] == "o@contoso.example"
