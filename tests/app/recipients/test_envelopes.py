"""Tests which findings a recipient gets (by tenant, severity, owner and tag), and the reasons for sending a mail."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from auditor.app.recipients.envelopes import Envelope, MailReason, envelopes, reason, week_of
from auditor.app.recipients.portion import portion
from auditor.domain.enums import Change, Severity, Status
from auditor.domain.message import Message
from auditor.domain.result.model import FleetPast, Notice, Result
from auditor.domain.result.verification import ActionVerdict, TenantVerification, Verdict, freed_by
from auditor.domain.settings import Attach, Digest, Recipient, Send, Tenant
from auditor.findings.table import FindingTable
from auditor.result.aggregate import concerns, summarise
from tests.builders.result.actions import with_actions
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import compared, result
from tests.builders.tenant.tenants import audited, policy_set, user
from tests.builders.tenant.tenants import tenant as tenant_state

MONDAY = datetime(2026, 11, 23, 2, 17, tzinfo=UTC)


def tenant(name: str, *recipients: Recipient, locale: str | None = None) -> Tenant:
    return Tenant(name=name, tenant_id=name, recipients=recipients, locale=locale)


def envelope(*portions: tuple[str, Recipient]) -> Envelope:
    return Envelope(address="a@b.example", locale="en", portions=portions)


def recipient(**options: object) -> Recipient:
    return Recipient(address="a@b.example", **options)  # type: ignore[arg-type]


def test_each_address_gets_one_mail_in_its_language() -> None:
    mails = envelopes(
        [
            tenant("contoso", Recipient(address="Ann@b.example"), Recipient(address="bo@b.example", locale="tr"), locale="nl"),
            tenant("fabrikam", Recipient(address="ann@B.example", attach=Attach.CSV, digest=Digest.NEVER), locale="da"),
            tenant("unread", Recipient(address="cy@b.example")),
        ],
        {"contoso", "fabrikam"},
        fallback="en",
    )  # fmt: skip
    assert [(mail.address, mail.locale, sorted(mail.tenants)) for mail in mails] == [
        ("Ann@b.example", "nl", ["contoso", "fabrikam"]),
        ("bo@b.example", "tr", ["contoso"]),
    ]
    assert (mails[0].attach, mails[0].digest) == (Attach.HTML, Digest.WEEKLY)


def test_recipient_sees_only_the_tenants_of_the_envelope() -> None:
    subset = portion(compared(), envelope(("fabrikam", recipient())))
    assert [tenant.name for tenant in subset.tenants] == ["fabrikam"]
    assert not subset.fleet.findings
    assert sum(subset.summary.open.values()) == 0
    for format_ in ("html", "csv"):
        text = rendered_text(subset, format_)
        assert "contoso.example" not in text.replace("licensing@contoso.example", "")
        assert "Contoso" not in text


def test_fleet_findings_are_only_for_recipients_of_every_tenant() -> None:
    both = envelope(("contoso", recipient()), ("fabrikam", recipient()))
    assert portion(compared(), both).fleet.findings
    assert not portion(compared(), envelope(("contoso", recipient()))).fleet.findings


def test_unfiltered_portion_of_all_tenants_equals_the_result() -> None:
    both = envelope(("contoso", recipient()), ("fabrikam", recipient()))
    subset, full = portion(compared(), both), compared()
    # `past` is only needed to merge shards and is never part of a portion.
    assert subset == replace(
        full, run=replace(full.run, policies=subset.run.policies), fleet=replace(full.fleet, past=None)
    )


def test_tenant_that_only_the_previous_run_had_is_removed() -> None:
    full, tenants = compared(), [("contoso", recipient()), ("fabrikam", recipient())]
    former = replace(next(iter(full.fleet.findings)), fingerprint="f" * 32, evidence={"short": [{"tenant": "adatum"}]})
    for names, kept in ((("contoso", "fabrikam", "adatum"), ()), (("contoso", "fabrikam"), (former,))):
        fleet = replace(
            full.fleet,
            notices=(Notice(code="tenant.missing", message=Message("adatum is not in this one"), subject="adatum"),),
            unconfirmed=(former,),
            fixed=(former,),
            past=FleetPast(tenants=names),
        )
        subset = portion(replace(full, fleet=fleet), envelope(*tenants)).fleet
        assert (subset.notices, subset.unconfirmed, subset.fixed) == ((), kept, kept)


def test_severities_filter_findings_outcomes_and_fixed_findings() -> None:
    subset = portion(compared(), envelope(("contoso", recipient(severities=(Severity.CRITICAL,)))))
    (contoso,) = subset.tenants
    assert {finding.severity for finding in (*contoso.findings, *contoso.fixed)} == {Severity.CRITICAL}
    headers = {header.id: header for header in subset.run.policies}
    assert {headers[outcome.id].severity for outcome in contoso.policies} == {Severity.CRITICAL}
    assert subset.summary == summarise(subset.tenants, subset.fleet)
    fingerprints = {finding.fingerprint for finding in contoso.findings}
    assert all(set(action.findings) <= fingerprints and action.findings for action in contoso.actions)


def test_findings_of_a_recipient_are_selected_without_decoding_them(monkeypatch: pytest.MonkeyPatch) -> None:
    full, critical = compared(), envelope(("contoso", recipient(severities=(Severity.CRITICAL,))))
    with monkeypatch.context() as patch:
        patch.delattr("auditor.findings.table.decode")
        (contoso,) = portion(full, critical).tenants
    assert {finding.severity for finding in contoso.findings} == {Severity.CRITICAL}


def test_action_names_only_the_people_of_the_remaining_findings() -> None:
    text = """policies:
- {id: hr, severity: high, users: {department: HR}, assignments: {deny: [SPE_E3]}}
- {id: it, severity: low, users: {department: IT}, assignments: {deny: [SPE_E3]}}
"""
    state = tenant_state(user("ann", "SPE_E3", department="HR"), user("bob", "SPE_E3", department="IT"))
    full = with_actions(audited(text, state), policy_set(text))
    subset = portion(full, envelope((full.tenants[0].name, recipient(severities=(Severity.LOW,)))))
    people = [[concern.names for concern in concerns(part.tenants[0]).values()] for part in (full, subset)]
    ann, bob = "Ann (ann@contoso.example)", "Bob (bob@contoso.example)"
    assert people == [[(ann, bob)], [(bob,)]]


def test_owners_and_tags_filter_policies_and_two_entries_are_combined() -> None:
    full = compared()
    policies = tuple(
        replace(header, owner="Retail@contoso.example", tags=("Stores",)) if header.id == "frontline-f3" else header
        for header in full.run.policies
    )
    full = replace(full, run=replace(full.run, policies=policies))

    def policies_for(*entries: Recipient) -> set[str]:
        subset = portion(full, envelope(*(("contoso", entry) for entry in entries)))
        return {finding.policy for finding in subset.tenants[0].findings}

    owner, tag = recipient(owners=("retail@contoso.example",)), recipient(tags=("stores", "other"))
    assert policies_for(owner) == policies_for(tag) == {"frontline-f3"}
    assert policies_for(recipient(owners=("retail@contoso.example",), severities=(Severity.LOW,))) == set()
    assert policies_for(owner, recipient(severities=(Severity.CRITICAL,))) == {
        "frontline-f3",
        "assignment-errors",
        "seats-not-overdrawn",
    }
    assert policies_for(owner, recipient()) == policies_for(recipient())


@pytest.mark.parametrize(
    ("owner", "is_included"), [("smith, JOHN", True), ("it@contoso.example", True), ("Smith", False), ("John", False)]
)
def test_decided_purchase_is_for_its_owners_whose_names_may_contain_a_comma(*, owner: str, is_included: bool) -> None:
    audit = result()
    purchase = ActionVerdict(
        number=1,
        id="a",
        title="Buy 3 seats",
        kind="buy",
        owner="It@contoso.example, Smith, John",
        verdict=Verdict.NOT,
        requests=0,
        done=0,
    )
    first, *others = audit.run.policies
    run = replace(audit.run, policies=(replace(first, owner="Smith, John"), *others))
    outcome = TenantVerification(planned_at=audit.run.as_of, actions=(purchase,), findings=(), freed=freed_by(()))
    audit = replace(audit, run=run, tenants=(replace(audit.tenants[0], verification=outcome),))
    subset = portion(audit, envelope((audit.tenants[0].name, recipient(owners=(owner,)))))
    assert (subset.tenants[0].verification is not None) == is_included


def test_missing_data_is_reported_to_every_recipient() -> None:
    subset = portion(compared(), envelope(("contoso", recipient(severities=(Severity.CRITICAL,)))))
    assert subset.tenants[0].complete == compared().tenants[0].complete is False
    assert not subset.complete


def unchanged(*, complete: bool = True, open_: bool = True, at: datetime | None = None) -> Result:
    """Return a run in which nothing changed."""
    current = compared()
    tenants = tuple(
        replace(
            tenant,
            findings=FindingTable.of(
                tuple(replace(finding, change=Change.UNCHANGED) for finding in tenant.findings) if open_ else ()
            ),
            fixed=(),
            complete=complete,
            policies=(),
        )
        for tenant in current.tenants
    )
    run = replace(current.run, as_of=at or current.run.as_of)
    return replace(current, run=run, tenants=tenants, fleet=type(current.fleet)(), summary=summarise(tenants))


ANY = envelope(("contoso", recipient()), ("fabrikam", recipient()))
NEVER = envelope(("contoso", recipient(digest=Digest.NEVER)))


@pytest.mark.parametrize(
    ("mode", "audit", "expected"),
    [
        (Send.ALWAYS, unchanged(open_=False), MailReason.EVENT),
        (Send.CHANGED, compared(), MailReason.EVENT),
        (Send.CHANGED, result(), MailReason.EVENT),
        (Send.CHANGED, unchanged(), None),
        (Send.CHANGED, unchanged(complete=False), MailReason.EVENT),
        (Send.FAILURES, unchanged(), MailReason.EVENT),
        (Send.FAILURES, unchanged(open_=False), None),
        (Send.FAILURES, unchanged(open_=False, complete=False), MailReason.EVENT),
        (Send.CHANGED, unchanged(at=MONDAY), MailReason.WEEKLY),
        (Send.FAILURES, unchanged(open_=False, at=MONDAY), MailReason.WEEKLY),
    ],
)
def test_reason_to_send(mode: Send, audit: Result, expected: MailReason | None) -> None:
    assert reason(mode, audit, ANY, weekly_sent=False) is expected


def test_weekly_digest_is_sent_once_and_never_if_disabled() -> None:
    assert reason(Send.CHANGED, unchanged(at=MONDAY), ANY, weekly_sent=True) is None
    assert reason(Send.CHANGED, unchanged(at=MONDAY), NEVER, weekly_sent=False) is None
    assert week_of(MONDAY) == "2026-W48"


def test_fixed_finding_is_a_change_and_waived_finding_is_not() -> None:
    baseline = unchanged()
    first = replace(baseline.tenants[0], fixed=compared().tenants[0].fixed)
    assert reason(Send.CHANGED, replace(baseline, tenants=(first,)), ANY, weekly_sent=False) is MailReason.EVENT
    findings = baseline.tenants[0].findings
    waived = tuple(replace(finding, change=Change.NEW, status=Status.WAIVED) for finding in findings)
    only_waived = replace(baseline, tenants=(replace(baseline.tenants[0], findings=FindingTable.of(waived)),))
    assert reason(Send.CHANGED, only_waived, ANY, weekly_sent=False) is None
