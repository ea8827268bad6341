"""Two sides' findings into what is added, removed, changed, and what nobody can tell."""

from decimal import Decimal

from msgspec.structs import replace

from auditor.app.policies.preview import difference
from auditor.domain.actions.money import Money
from auditor.domain.enums import Outcome, Severity, Status, SubjectType
from auditor.domain.preview import MoneyChange
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.domain.result.model import PolicyOutcome
from auditor.result.preview_counts import tally

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


def test_the_place_of_a_policy_changes_nothing() -> None:
    moved = replace(FINDING, source=SourceLine(file="b", line=9))
    assert difference("t", [FINDING], [moved], []).changed == ()


def test_each_fact_of_a_finding_changes_it() -> None:
    others = (
        replace(FINDING, severity=Severity.LOW),
        replace(FINDING, status=Status.WAIVED, waiver="W"),
        replace(FINDING, evidence={"maximum": 4}),
        replace(FINDING, money=Money(currency="EUR", per_month=Decimal(11))),
    )
    for other in others:
        assert [pair.after for pair in difference("t", [FINDING], [other], []).changed] == [other]


def test_what_could_not_be_evaluated_is_not_gone() -> None:
    unknown = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED, findings=0)
    found = difference("t", [FINDING], [], [unknown])
    assert (found.removed, found.unconfirmed) == ((), (FINDING,))
    assert difference("t", [FINDING], [], [replace(unknown, status=Outcome.PASS)]).removed == (FINDING,)


def euro(more: Decimal, less: Decimal) -> MoneyChange:
    return MoneyChange(currency="EUR", more_per_month=more, less_per_month=less)


def test_money_follows_open_findings() -> None:
    waived = replace(FINDING, status=Status.WAIVED, waiver="W")
    assert tally([difference("t", [FINDING], [waived], [])]).money == (euro(Decimal(0), Decimal(10)),)
    assert tally([difference("t", [], [FINDING], [])]).money == (euro(Decimal(10), Decimal(0)),)


def test_money_is_summed_as_in_the_report() -> None:
    twice = replace(FINDING, fingerprint="f2", policy="q")
    budget = replace(FINDING, fingerprint="f3", policy="b", check="budget.exceeded")
    cents = Money(currency="EUR", per_month=Decimal("0.005"))
    other = replace(FINDING, fingerprint="f4", subject=Subject(type=SubjectType.USER, id="v", name=""), money=cents)
    one = difference("t", [], [FINDING, twice, budget, other], [])
    assert tally([one]).money == (euro(Decimal("10.01"), Decimal(0)),)
    assert tally([one, difference("s", [], [FINDING], [])]).money == (euro(Decimal("20.01"), Decimal(0)),)
    assert tally([difference("t", [], [budget], [])]).money == ()
