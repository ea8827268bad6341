"""Tests the comment of a pull request: its maximum size in bytes, and policies that could not be evaluated."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity, Status
from auditor.domain.message import Message, joined
from auditor.domain.preview import (
    ChangedFinding,
    Difference,
    DifferenceCount,
    MoneyChange,
    Preview,
    SeatCostChange,
    Side,
    UnevaluatedPolicy,
)
from auditor.domain.result.finding import ProductReference
from auditor.render.preview import html
from auditor.render.preview.markdown import LIMIT, MARK, render, sums
from auditor.render.text.labels import Labels
from tests.builders.result.results import AS_OF, BY_ID, result

FINDING = next(finding for finding in result().tenants[0].findings if finding.policy == "leavers")
SIDE = Side(name="policies", commit=None, policy_digest="0" * 64, policies=len(BY_ID))


def preview_of(tenants: int, name: str) -> Preview:
    """Return a preview that adds 20 findings about people with the given name in each tenant."""
    findings = tuple(
        replace(FINDING, subject=replace(FINDING.subject, name=f"{name} {number}"), evidence={}) for number in range(20)
    )
    return Preview(
        tool_version="1",
        as_of=AS_OF,
        base=SIDE,
        head=SIDE,
        tenants=tuple(
            Difference(name=f"t{number}", title=f"Tenant {number}", added=findings) for number in range(tenants)
        ),
        fleet=Difference(name=""),
        policies=(),
        unknown=(),
        complete=True,
    )


def comment(preview: Preview, locale: str = "en") -> bytes:
    return b"".join(render(preview, locale=locale))


def test_findings_that_a_reviewer_has_to_accept_are_counted_by_severity() -> None:
    waived = replace(FINDING, status=Status.WAIVED, severity=Severity.LOW)
    milder = ChangedFinding(before=replace(FINDING, severity=Severity.CRITICAL), after=FINDING)
    changed = (ChangedFinding(before=waived, after=replace(waived, status=Status.OPEN)), milder)
    preview = preview_of(1, "a")
    worse = replace(preview, tenants=(replace(preview.tenants[0], changed=changed),))
    text = "New, more severe or no longer waived: 20 high, 1 low"
    assert f"\n**{text}**\n" in comment(worse).decode()
    assert f"<p>{text}</p>" in b"".join(html.render(worse, locale="en")).decode()
    better = replace(preview, tenants=(Difference(name="t", title="T", removed=(FINDING,), changed=(milder,)),))
    assert "no longer waived" not in comment(better).decode()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "tr"])
@pytest.mark.parametrize("name", ["a" * 100, "ğ" * 100, "漢" * 100])
def test_truncated_comment_is_below_the_limit_in_bytes_and_ends_with_its_note(name: str, locale: str) -> None:
    body = comment(preview_of(60, name), locale)
    text = body.decode("utf-8")
    assert LIMIT - 15_000 < len(body) <= LIMIT
    assert text.startswith(f"{MARK}\n")
    assert text.count("<details>") == text.count("</details>") > 0
    assert "preview.json" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("more", "less", "text"), [(10, 0, "+€10.00"), (0, 4, "−€4.00"), (10, 4, "+€10.00 −€4.00"), (0, 0, "€0.00")]
)
def test_sum_shows_only_amounts_that_change(more: int, less: int, text: str) -> None:
    change = MoneyChange(currency="EUR", more_per_month=Decimal(more), less_per_month=Decimal(less))
    assert sums(DifferenceCount(added=0, removed=0, changed=0, unconfirmed=0, money=(change,)), Labels("en")) == text


def test_column_of_amounts_is_left_out_without_prices() -> None:
    unpriced = preview_of(1, "a")
    cost = SeatCostChange(currency="EUR", user=FINDING.subject.id, before=Decimal(0), after=Decimal(20))
    priced = replace(unpriced, tenants=(replace(unpriced.tenants[0], costs=(cost,)),))
    header = "| Department | Added | Removed | Changed |"
    assert f"\n{header} Per month |\n| --- | ---: | ---: | ---: | ---: |\n" in comment(priced).decode()
    assert f"\n{header}\n| --- | ---: | ---: | ---: |\n" in comment(unpriced).decode()
    for preview, count in ((priced, 1), (unpriced, 0)):
        assert b"".join(html.render(preview, locale="en")).count(b">Per month</th>") == count


def test_short_comment_has_no_note() -> None:
    text = comment(preview_of(1, "a")).decode("utf-8")
    assert text.rstrip().endswith("</details>")
    assert "truncated" not in text


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        (
            "en",
            "allowed: at least 5, at most 5% of the seats spare → allowed: at least 5, at most 10% of the seats spare",
        ),
        (
            "nl",
            "toegestaan: ten minste 5, ten hoogste 5% van de licentieplaatsen vrij → toegestaan: ten minste 5, ten hoogste 10% van de licentieplaatsen vrij",
        ),
    ],
)
def test_changed_evidence_is_described_in_words(locale: str, expected: str) -> None:
    before = next(finding for finding in result().tenants[0].findings if finding.policy == "e3-spare")
    after = replace(before, evidence={**before.evidence, "bound": "10%", "maximum": "10%", "adjust": -40})
    changed = Difference(name="contoso", title="Contoso Retail", changed=(ChangedFinding(before=before, after=after),))
    (line,) = (
        line
        for line in comment(replace(preview_of(0, ""), tenants=(changed,)), locale).decode("utf-8").splitlines()
        if line.startswith("- e3-spare")
    )
    assert line.endswith(f"Microsoft 365 E3: {expected}")


@pytest.mark.parametrize(
    ("locale", "expected"), [("en", "Microsoft 365 E3 or Visio"), ("de", "Microsoft 365 E3 oder Visio")]
)
def test_required_set_is_named_by_its_products(locale: str, expected: str) -> None:
    required = ProductReference(sku_id=None, sku_part_number="paid")
    missing = replace(FINDING, check="assignments.missing", product=required)
    sets = {"paid": ["Visio", "Microsoft 365 E3"]}
    added = Difference(name="contoso", title="Contoso Retail", added=(missing,), sets=sets)
    (line,) = (
        line
        for line in comment(replace(preview_of(0, ""), tenants=(added,)), locale).decode("utf-8").splitlines()
        if line.startswith("- leavers")
    )
    assert line.endswith(f" · {expected}")


@pytest.mark.slow
def test_policies_that_were_not_evaluated_are_grouped_by_reason_and_new_ones_are_first() -> None:
    def unknown(side: str, tenant: str | None, policy: str, *groups: str) -> UnevaluatedPolicy:
        reason = joined("; ", [Message("the group {id} was not read", id=f"{tenant}-{group}") for group in groups])
        return UnevaluatedPolicy(side=side, tenant=tenant, policy=policy, reason=reason)

    both = [unknown(side, f"t{number}", "old", *"abcdef") for side in ("base", "head") for number in range(60)]
    new = [unknown("head", f"t{number}", "new", "a") for number in range(2)]
    fleet = [unknown("base", None, "fleet", "a")]
    preview = replace(preview_of(60, "a"), unknown=(*both, *new, *fleet), complete=False)
    text = comment(preview).decode("utf-8")
    reason = "; ".join(f"the group t0-{group} was not read" for group in "abc")
    assert [line for line in text.splitlines() if line.startswith("- **")] == [
        "- **new** (after the change, Tenant 0, Tenant 1): the group t0-a was not read",
        f"- **old** (before and after the change, Tenant 0, Tenant 1, Tenant 2 and 57 more): {reason}; and 3 more reasons",
        "- **fleet** (before the change): the group None-a was not read",
    ]
    page = html.render(preview, locale="en")
    assert b"".join(page).count(b"Tenant 2 and 57 more") == 1
