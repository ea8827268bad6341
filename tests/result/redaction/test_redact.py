"""Redaction of results: pseudonyms are stable for a key and distinct per person, and nothing else is changed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import SubjectType
from auditor.domain.errors import UsageError
from auditor.domain.message import Message, detailed
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import Result
from auditor.domain.result.verification import (
    ActionVerdict,
    Execution,
    FindingState,
    FindingVerdict,
    FreedSeats,
    StepVerdict,
    TenantVerification,
    Verdict,
)
from auditor.result.aggregate import concerns
from auditor.result.redaction.people import UserPseudonyms, people_of
from auditor.result.redaction.pseudonyms import RedactionKey, key_of
from auditor.result.redaction.redact import redacted
from tests.builders.result.actions import with_actions
from tests.builders.result.results import AS_OF
from tests.builders.tenant.tenants import TENANT_ID, audited, bought, policy_file, policy_set, tenant, user

VERDICT_FIELDS = ("fingerprint", "policy", "check", "severity", "subject", "product")
KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)


POLICIES = policy_file("assignments: {deny: [SPE_E3]}") + "- {id: q, severity: low, seats: {spare: {min: 0}}}\n"


def audit_result() -> Result:
    state = tenant(
        user("ann", "SPE_E3"), user("bob", "SPE_E3", displayName="E3"), subscribedSkus=[bought("SPE_E3", 1, 2)]
    )
    return audited(POLICIES, state)


def with_action(**texts: Any) -> Action:
    result = audit_result()
    action = Action(id="x", guidance="g", findings=(), title="Take it away", **texts)
    (tenant_result,) = result.tenants
    return redacted(replace(result, tenants=(replace(tenant_result, actions=(action,)),)), KEY).tenants[0].actions[0]


ANN, BOB = KEY.person(TENANT_ID, "id-ann"), KEY.person(TENANT_ID, "id-bob")


def test_only_people_and_fingerprints_are_replaced() -> None:
    before, after = audit_result().tenants[0], redacted(audit_result(), KEY).tenants[0]
    by_fingerprint = {finding.fingerprint: finding for finding in after.findings}
    assert len(by_fingerprint) == len(before.findings)
    for plain in before.findings:
        hidden = by_fingerprint[KEY.fingerprint(plain.fingerprint)]
        assert (plain.product, plain.money, plain.check) == (hidden.product, hidden.money, hidden.check)
        if plain.subject.type is SubjectType.USER:
            assert hidden.subject.id == hidden.subject.name == hidden.evidence["userPrincipalName"]
            assert hidden.evidence["assignedLicenses"] == ["SPE_E3"]
        else:
            assert replace(plain, fingerprint=hidden.fingerprint) == hidden
    assert {finding.subject.id for finding in after.findings if finding.subject.type is SubjectType.USER} == {ANN, BOB}


def test_evidence_that_several_findings_share_is_redacted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    subjects, redact = list[str](), UserPseudonyms.subject

    def recorded(people: UserPseudonyms, subject: Subject) -> Subject:
        subjects.append(subject.id)
        return redact(people, subject)

    monkeypatch.setattr(UserPseudonyms, "subject", recorded)
    policies = (
        policy_file("assignments: {deny: [SPE_E3]}") + "- {id: q, severity: low, assignments: {deny: [SPE_E3]}}\n"
    )
    result = redacted(audited(policies, tenant(user("ann", "SPE_E3"))), KEY)
    assert [finding.policy for finding in result.tenants[0].findings] == ["p", "q"]
    assert subjects == ["id-ann"]


def test_people_of_actions_are_named_by_their_pseudonyms() -> None:
    before = with_actions(audit_result(), policy_set(POLICIES))
    names = [name for concern in concerns(before.tenants[0]).values() for name in concern.names]
    hidden = [name for concern in concerns(redacted(before, KEY).tenants[0]).values() for name in concern.names]
    assert len(hidden) == len(names) >= 2
    assert set(hidden) == {ANN, BOB}


@pytest.mark.slow
def test_pseudonyms_are_stable_for_a_key_and_differ_between_tenants_and_keys() -> None:
    assert redacted(audit_result(), KEY) == redacted(audit_result(), KEY)
    other_key = RedactionKey(secret=b"another key of 16 bytes or more", stable=True)
    assert redacted(audit_result(), KEY) != redacted(audit_result(), other_key)
    assert KEY.redaction.key != other_key.redaction.key
    assert KEY.person("a", "x") != KEY.person("b", "x")
    assert len({KEY.person("a", str(number)) for number in range(5000)}) == 5000
    assert redacted(redacted(audit_result(), KEY), other_key) == redacted(audit_result(), KEY)


def test_key_is_read_from_the_environment_or_random() -> None:
    configured = key_of({"AUDITOR_REDACT_KEY": "0123456789abcdef\n"}, bytes)
    assert (configured.secret, configured.stable) == (b"0123456789abcdef", True)
    for environ in ({}, {"AUDITOR_REDACT_KEY": ""}):
        random_key = key_of(environ, lambda count: b"r" * count)
        assert (random_key.secret, random_key.stable) == (b"r" * 32, False)
    with pytest.raises(UsageError) as caught:
        key_of({"AUDITOR_REDACT_KEY": "0123456789abcde"}, bytes)
    assert caught.value.slug == "redact-key"
    assert "0123456789" not in str(caught.value)
    assert "0123456789" not in repr(configured)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users/id-ann/assignLicense", f"/users/{ANN}/assignLicense"),
        ("users('ID-ann')", f"users('{ANN}')"),
        ("Write to Ann@contoso.example.", f"Write to {ANN}."),
        ("id-ann,id-bob; id-annette", f"{ANN},{BOB}; id-annette"),
        # Bob's display name is E3: it is replaced as a separate word, but not within a part number.
        ("Remove SPE_E3", "Remove SPE_E3"),
        ("id-bob: SPE_E3 (E3)", f"id-bob: SPE_E3 ({BOB})".replace("id-bob", BOB)),
    ],
)
def test_ids_and_addresses_in_texts_are_replaced(text: str, expected: str) -> None:
    action = with_action(steps=(text,), requests=({"path": text, "body": [{"to": text}]},))
    assert action.steps == (expected,)
    assert action.requests == ({"path": expected, "body": [{"to": expected}]},)


@pytest.mark.parametrize("name", ["Jürgen Groß", "İbrahim Y\u0131lmaz", "Ana Díaz"])
@pytest.mark.parametrize("written", [str, str.upper, str.lower, str.casefold])
def test_names_are_replaced_in_any_case(name: str, written: Callable[[str], str]) -> None:
    """Upper and lower case of `ß` and of the Turkish letters for i have other letters, or another number of them."""
    people = people_of(TENANT_ID, [("id-ann", name, None)], KEY, {})
    assert people.free_text(f"Große Seats of {written(name)}'s team") == f"Große Seats of {ANN}'s team"


def test_people_are_replaced_in_the_values_of_titles() -> None:
    arguments = TitleArguments(
        count=3, old="E5", also=("id-ann",), new=("F3",), extra=("id-ann", "Staff of ann@contoso.example")
    )
    redacted_arguments = with_action(title_arguments=arguments).title_arguments
    assert redacted_arguments == replace(arguments, also=(ANN,), extra=(ANN, f"Staff of {ANN}"))


def test_people_in_policies_are_replaced_and_groups_are_not() -> None:
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


def test_instants_of_people_are_reduced_to_days() -> None:
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


def test_findings_are_ordered_by_pseudonym_instead_of_id() -> None:
    state = tenant(*(user(f"u{number:03}", "SPE_E3") for number in range(60)), subscribedSkus=[bought("SPE_E3", 1, 60)])
    result = audited(policy_file("assignments: {deny: [SPE_E3]}"), state)
    subjects = [finding.subject.id for finding in redacted(result, KEY).tenants[0].findings]
    assert subjects == sorted(subjects)
    assert subjects != [KEY.person(TENANT_ID, finding.subject.id) for finding in result.tenants[0].findings]


def test_small_departments_are_merged_and_their_names_redacted() -> None:
    sizes = {"Sales": 5, "Office of ann@contoso.example": 5, "IT": 4, "Legal": 1}
    people = [
        user(f"{name[:2]}{number}", "SPE_E3", department=name, costCenter=f"CC {name}")
        for name, size in sizes.items()
        for number in range(size)
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


def test_single_small_department_is_merged_with_the_smallest_other_one() -> None:
    sizes = {"Sales": 7, "IT": 6, "Legal": 1}
    people = [
        user(f"{name}{number}", "SPE_E3", department=name) for name, size in sizes.items() for number in range(size)
    ]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 30, 14)])
    report = redacted(audited(policy_file("assignments: {deny: [SPE_E5]}"), state), KEY).tenants[0].departments
    assert report is not None
    assert [(unit.name, unit.merged, unit.people) for unit in report.departments] == [("Sales", 0, 7), (None, 2, 7)]


def test_people_in_the_verification_of_a_plan_are_replaced() -> None:
    result = audit_result()
    (before,) = result.tenants
    findings = tuple(
        FindingVerdict(state=FindingState.OPEN, **{name: getattr(finding, name) for name in VERDICT_FIELDS})
        for finding in before.findings
        if finding.subject.type is SubjectType.USER
    )
    action = ActionVerdict(
        number=1, id="x", title="Take it from ann@contoso.example", kind="unassign", verdict=Verdict.PARTLY, requests=2, done=0,
        steps=tuple(StepVerdict(step=1, verdict=Verdict.NOT, subject=name) for name in ("id-ann", "id-bob")),
        findings=tuple(finding.fingerprint for finding in findings),
        execution=Execution(by=("ann@contoso.example",), first=AS_OF, last=AS_OF, done=1, skipped=0, failed=0),
    )  # fmt: skip
    freed = FreedSeats(planned=1, actual=0)
    findings = tuple(sorted(findings, key=lambda finding: KEY.fingerprint(finding.fingerprint), reverse=True))
    verification = TenantVerification(planned_at=AS_OF, actions=(action,), findings=findings, freed=freed)
    (after,) = redacted(replace(result, tenants=(replace(before, verification=verification),)), KEY).tenants
    assert after.verification is not None
    (hidden,) = after.verification.actions
    assert {step.subject for step in hidden.steps} == {ANN, BOB}
    assert [step.subject for step in hidden.steps] == sorted([ANN, BOB]), "the order of ids is not revealed"
    assert {finding.subject.name for finding in after.verification.findings} == {ANN, BOB}
    fingerprints = [finding.fingerprint for finding in after.verification.findings]
    assert fingerprints == sorted(KEY.fingerprint(finding.fingerprint) for finding in findings)
    assert sorted(hidden.findings) == fingerprints
    assert not re.search(r"\bann\b|\bbob\b|contoso", str(after.verification))


STRANGER = "77777777-dead-4bcd-8bcd-000000000099"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"Resource '{STRANGER}' does not exist", "Resource 'user-' does not exist"),
        (f"Resource '{STRANGER.upper()}' does not exist", "Resource 'user-' does not exist"),
        (STRANGER, STRANGER),
        (f"{STRANGER}, {STRANGER}", f"{STRANGER}, {STRANGER}"),
        ("more than 120 users", "more than 120 users"),
    ],
)
def test_ids_in_quoted_errors_are_replaced_also_of_people_without_findings(said: str, expected: str) -> None:
    result = audit_result()
    reason = detailed(Message("{asked} returned HTTP {status}", asked="GET /users/{id}", status=404), said)
    source = replace(result.tenants[0].sources[0], reason=reason)
    policy = replace(result.tenants[0].policies[0], reason=reason)
    first = replace(result.tenants[0], sources=(source,), policies=(policy,), failure=reason)
    hidden = redacted(replace(result, tenants=(first,)), KEY).tenants[0]
    for text in (hidden.sources[0].reason, hidden.policies[0].reason, hidden.failure):
        assert re.sub("user-[0-9a-f]{16}", "user-", str(text)) == f"GET /users/{{id}} returned HTTP 404 ({expected})"
