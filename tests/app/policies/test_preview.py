"""Differences of findings between base and head: added, removed, changed, and unconfirmed."""

from decimal import Decimal

from msgspec.structs import replace

from auditor.app.policies.preview import difference
from auditor.domain.enums import Outcome, Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.preview import MoneyChange
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.domain.result.model import PolicyOutcome
from auditor.result.preview_counts import difference_count

FINDING = Finding(
    fingerprint="f1",
    policy="p",
    check="c",
    severity=Severity.HIGH,
    status=Status.OPEN,
    subject=Subject(type=SubjectType.USER, id="u", name="U"),
    source=SourceLine(file="a", line=1),
    evidence={"maximum": 3},
    money=Money(currency="EUR", per_month=Decimal(10)),
)


def test_source_line_of_a_policy_is_not_a_change() -> None:
    moved = replace(FINDING, source=SourceLine(file="b", line=9))
    assert difference("t", [FINDING], [moved], []).changed == ()


def test_severity_status_evidence_and_money_are_changes() -> None:
    variants = (
        replace(FINDING, severity=Severity.LOW),
        replace(FINDING, status=Status.WAIVED, waiver="W"),
        replace(FINDING, evidence={"maximum": 4}),
        replace(FINDING, money=Money(currency="EUR", per_month=Decimal(11))),
    )
    for variant in variants:
        assert [pair.after for pair in difference("t", [FINDING], [variant], []).changed] == [variant]


def test_findings_of_a_policy_that_was_not_evaluated_are_unconfirmed() -> None:
    unknown = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0)
    preview = difference("t", [FINDING], [], [unknown])
    assert (preview.removed, preview.unconfirmed) == ((), (FINDING,))
    assert difference("t", [FINDING], [], [replace(unknown, status=Outcome.PASS)]).removed == (FINDING,)


def euro(increase: Decimal, decrease: Decimal) -> MoneyChange:
    return MoneyChange(currency="EUR", more_per_month=increase, less_per_month=decrease)


def test_money_counts_open_findings_only() -> None:
    waived = replace(FINDING, status=Status.WAIVED, waiver="W")
    assert difference_count([difference("t", [FINDING], [waived], [])]).money == (euro(Decimal(0), Decimal(10)),)
    assert difference_count([difference("t", [], [FINDING], [])]).money == (euro(Decimal(10), Decimal(0)),)


def test_only_the_difference_of_a_changed_finding_counts() -> None:
    cheaper = replace(FINDING, money=Money(currency="EUR", per_month=Decimal(4)))
    assert difference_count([difference("t", [FINDING], [cheaper], [])]).money == (euro(Decimal(0), Decimal(6)),)
    assert difference_count([difference("t", [cheaper], [FINDING], [])]).money == (euro(Decimal(6), Decimal(0)),)
    assert difference_count([difference("t", [FINDING], [replace(FINDING, money=None)], [])]).money == (
        euro(Decimal(0), Decimal(10)),
    )
    assert difference_count([difference("t", [FINDING], [replace(FINDING, severity=Severity.LOW)], [])]).money == ()
    dollars = Money(currency="USD", per_month=Decimal(11))
    assert difference_count([difference("t", [FINDING], [replace(FINDING, money=dollars)], [])]).money == (
        euro(Decimal(0), Decimal(10)),
        MoneyChange(currency="USD", more_per_month=Decimal(11), less_per_month=Decimal(0)),
    )


def test_money_is_summed_as_in_the_report() -> None:
    same_subject = replace(FINDING, fingerprint="f2", policy="q")
    budget = replace(FINDING, fingerprint="f3", policy="b", check="budget.exceeded")
    cents = Money(currency="EUR", per_month=Decimal("0.005"))
    other_user = replace(
        FINDING, fingerprint="f4", subject=Subject(type=SubjectType.USER, id="v", name=""), money=cents
    )
    added = difference("t", [], [FINDING, same_subject, budget, other_user], [])
    assert difference_count([added]).money == (euro(Decimal("10.01"), Decimal(0)),)
    assert difference_count([added, difference("s", [], [FINDING], [])]).money == (euro(Decimal("20.01"), Decimal(0)),)
    assert difference_count([difference("t", [], [budget], [])]).money == ()
