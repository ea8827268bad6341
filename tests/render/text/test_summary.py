"""The introductory sentences: the outcome, and the tenants that could not be audited, or not completely."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Outcome, Severity, Source, SourceStatus
from auditor.domain.message import Message, detailed, joined
from auditor.domain.result.model import Coverage, FleetResult, PolicyOutcome, Result, TenantResult
from auditor.engine.not_evaluated import incomplete
from auditor.render.text.labels import Labels
from auditor.render.text.summary import completeness, missing_data, omissions, verdict
from tests.builders.result.results import result

UNKNOWN_APPLICATION = (
    "AADSTS700016: Application with identifier 'a1' was not found in the directory '{name}' (check it)"
)
NO_PRINCIPAL = "AADSTS7000229: the tenant 11111111-2222-3333-4444-55555555555{number} has no principal of the app"


def failed(*reasons: str) -> Result:
    tenants = tuple(
        replace(result().tenants[0], name=f"t{number}", display_name="", failure=Message(reason), policies=())
        for number, reason in enumerate(reasons)
    )
    return replace(result(), tenants=tenants, fleet=FleetResult())


def sentences(*reasons: str) -> tuple[str, ...]:
    return completeness(failed(*reasons), Labels("en"))


def test_tenants_with_the_same_reason_share_a_sentence() -> None:
    assert sentences("no answer", "no disk", *["no answer"] * 4) == (
        "t0, t2, t3 and 2 more could not be audited: no answer",
        "t1 could not be audited: no disk",
    )


def test_reasons_that_differ_only_in_names_and_ids_share_a_sentence_without_these() -> None:
    names = [UNKNOWN_APPLICATION.format(name=name) for name in ("Contoso", "Fabrikam")]
    ids = [NO_PRINCIPAL.format(number=number) for number in (1, 2)]
    shared = "AADSTS700016: Application with identifier … was not found in the directory … (check it)"
    assert sentences(*names, *ids) == (
        f"t0, t1 could not be audited: {shared}",
        "t2, t3 could not be audited: AADSTS7000229: the tenant … has no principal of the app",
    )


def test_the_only_tenant_with_a_reason_keeps_the_names_in_it() -> None:
    assert sentences(text := UNKNOWN_APPLICATION.format(name="Contoso")) == (f"t0 could not be audited: {text}",)


def test_tenants_with_the_same_missing_data_share_an_error_message() -> None:
    audited = failed(*["no answer"] * 4, "no disk")
    unread, *_ = (tenant for tenant in result().tenants if any(outcome.unknown for outcome in tenant.policies))
    denied = Coverage(name=Source.GROUPS, status=SourceStatus.DENIED, reason=Message("no consent"))
    unread = replace(unread, name="t5", display_name="", sources=(denied,))
    tenants = (*audited.tenants, unread, replace(unread, name="t6"))
    *others, (names, reason) = missing_data(replace(audited, tenants=tenants), Labels("en"))
    assert others == [
        ("t0, t1, t2 and 1 more", "not audited: no answer"),
        ("t4", "not audited: no disk"),
        ("t5, t6", "Groups: denied (no consent)"),
    ]
    assert (names, reason.partition(":")[0]) == ("t5, t6", "entra-p2-coverage")


def test_reason_of_several_sources_is_given_once_and_not_again_for_their_policies() -> None:
    old, other = Message("read too long ago"), Message("no consent")
    sources = [
        Coverage(name=name, status=SourceStatus.UNAVAILABLE, reason=old)
        for name in (Source.USAGE, Source.COPILOT_USAGE)
    ]
    reasons = {
        "idle": joined("; ", [detailed(incomplete(Source.COPILOT_USAGE, SourceStatus.UNAVAILABLE), old)]),
        "groups": detailed(incomplete(Source.GROUPS, SourceStatus.DENIED), other),
    }
    policies = [
        PolicyOutcome(id=name, status=Outcome.NOT_EVALUATED, findings=0, reason=reason)
        for name, reason in reasons.items()
    ]
    assert omissions(sources, policies) == (
        "Usage of services, Usage of Microsoft 365 Copilot: unavailable (read too long ago)",
        "idle: Usage of Microsoft 365 Copilot: not available in this tenant",
        "groups: Groups: could not be read, permission denied (no consent)",
    )


def test_sentence_names_each_state_of_unread_sources_once() -> None:
    (first, *_) = result().tenants
    states = {
        Source.GROUPS: SourceStatus.DENIED,
        Source.USAGE: SourceStatus.UNAVAILABLE,
        Source.COPILOT_USAGE: SourceStatus.UNAVAILABLE,
    }
    sources = tuple(Coverage(name=name, status=status) for name, status in states.items())
    outcome = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0)
    tenant = replace(first, name="a", display_name="", sources=sources, policies=(outcome,))
    assert completeness(replace(result(), tenants=(tenant,), fleet=FleetResult()), Labels("en")) == (
        "1 policy not evaluated in a: p (Groups: denied; Usage of services, Usage of Microsoft 365 Copilot: unavailable).",
    )


def test_the_sentences_name_the_first_policies_that_were_not_evaluated_and_the_reason() -> None:
    outcomes = [
        PolicyOutcome(id=f"p{number}", status=Outcome.NOT_EVALUATED, findings=0, reason=Message(reason))
        for number, reason in enumerate(("no dates", "no prices", "no names", "no prices", "no prices"))
    ]
    (first, *_) = result().tenants
    tenants = [replace(first, name=name, display_name="", sources=(), policies=(*outcomes,)) for name in ("a", "b")]
    tenants.append(replace(first, name="c", display_name="", sources=(), policies=(outcomes[0],)))
    audit = replace(result(), tenants=tuple(tenants), fleet=FleetResult(policies=(outcomes[1],)))
    assert completeness(audit, Labels("en")) == (
        "5 policies not evaluated in a, b: p0, p1, p2 and 2 more (no prices; no dates; …).",
        "1 policy not evaluated in c: p0 (no dates).",
        "1 policy across tenants was not evaluated: p1 (no prices).",
    )


def test_tenants_whose_reasons_differ_only_in_values_share_a_sentence() -> None:
    (first, *_) = result().tenants

    def tenant(name: str, part: str) -> TenantResult:
        outcomes = [
            PolicyOutcome(id=policy, status=Outcome.NOT_EVALUATED, findings=0, reason=reason)
            for policy, reason in (("budget", Message("no price for {part}", part=part)), ("groups", Message("denied")))
        ]
        return replace(first, name=name, display_name="", sources=(), policies=tuple(outcomes))

    audit = replace(result(), tenants=(tenant("a", "E3"), tenant("b", "E5")), fleet=FleetResult())
    assert completeness(audit, Labels("en")) == ("2 policies not evaluated in a, b: budget, groups (denied).",)
    assert completeness(replace(audit, tenants=audit.tenants[:1]), Labels("en")) == (
        "2 policies not evaluated in a: budget, groups (no price for E3; denied).",
    )


@pytest.mark.parametrize(
    ("language", "counts", "text"),
    [
        ("en", {Severity.HIGH: 1}, "1 open finding. Severity: high."),
        ("sv", {Severity.CRITICAL: 0, Severity.LOW: 1}, "1 öppen iakttagelse. Allvarlighet: låg."),
        ("da", {Severity.HIGH: 1, Severity.LOW: 1}, "2 åbne fund, 1 af dem høj."),
    ],
)
def test_verdict_states_the_severity_of_a_single_finding(language: str, counts: dict[Severity, int], text: str) -> None:
    one = result()
    assert verdict(replace(one, summary=replace(one.summary, open=counts)), Labels(language)) == text


@pytest.mark.parametrize(("waived", "text"), [(1, "1 is waived."), (1200, "1,200 are waived.")])
def test_verdict_of_findings_that_are_all_waived_does_not_claim_compliance(waived: int, text: str) -> None:
    audit = replace(result(), tenants=(replace(result().tenants[0], complete=True),))
    summary = replace(audit.summary, open={}, waived=waived, not_evaluated=0)
    assert verdict(replace(audit, summary=summary), Labels("en")) == f"No finding is open; {text}"
    assert verdict(replace(audit, summary=replace(summary, waived=0)), Labels("en")).startswith("Everything complies")


def of_ages(*hours: float) -> tuple[str, ...]:
    """Return the texts about an audit of tenants whose data is so many hours old."""
    report = result()
    (first, *_) = (tenant for tenant in report.tenants if tenant.failure is None)
    tenants = tuple(
        replace(first, name=f"t{number}", display_name="", as_of=report.run.as_of - timedelta(hours=age), policies=())
        for number, age in enumerate(hours)
    )
    return completeness(replace(report, tenants=tenants, fleet=FleetResult()), Labels("en"))


def test_tenants_whose_data_is_older_than_a_day_are_named_the_oldest_first() -> None:
    day = Labels("en").day(result().run.as_of - timedelta(hours=49))
    text, *_ = of_ages(0, 25, 49)
    assert text.startswith(
        f"The data of t2, t1 was read more than a day before the audit, the oldest on {day}; "
        "auditor collect reads it again."
    )
    assert of_ages(49)[0].startswith(
        f"The data of t0 was read on {day}, more than a day before the audit; auditor collect reads it again."
    )


def test_data_of_the_last_day_is_not_mentioned() -> None:
    assert not any("was read" in text for text in of_ages(0, 24))
