"""A table of findings against a plain list: order, counts, samples, in memory and on disk."""

import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.actions.money import Money, rounded
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject, report_order
from auditor.findings import table as tables
from auditor.findings.columns import decode, encode
from auditor.findings.spill import SpillFile
from auditor.findings.stats import sums
from auditor.findings.table import FindingTable, FindingTableBuilder

POLICIES = {"b": Severity.HIGH, "a": Severity.LOW, "c": Severity.LOW}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    """Draw findings about some people and things, each once."""
    found = draw(
        st.lists(
            st.builds(
                Finding,
                fingerprint=st.integers(0, 2**64).map("{:032x}".format),
                policy=st.sampled_from(sorted(POLICIES)),
                check=st.sampled_from(["assignment.denied", "seats.above-maximum", "attribute.missing"]),
                severity=st.just(Severity.INFO),
                status=st.sampled_from(Status),
                subject=st.builds(
                    Subject, type=st.just(SubjectType.USER), id=st.integers(0, 9).map("u{}".format), name=TEXTS
                ),
                source=st.builds(SourceLine, file=TEXTS, line=st.integers(0, 9)),
                waiver=st.none() | TEXTS,
                change=st.none() | st.sampled_from(Change),
                product=st.none()
                | st.builds(ProductReference, sku_id=st.none() | TEXTS, sku_part_number=st.none() | TEXTS),
                detail=st.none() | TEXTS,
                evidence=st.dictionaries(TEXTS, JSON, max_size=3),
                money=st.none()
                | st.builds(Money, currency=st.sampled_from(["EUR", "USD"]), per_month=st.decimals(-99, 99, places=3)),
                guidance=TEXTS,
            ),
            max_size=30,
            unique_by=lambda finding: finding.fingerprint,
        )
    )
    whole = [
        replace(
            each,
            severity=POLICIES[each.policy],
            subject=replace(each.subject, type=_type(each.check), id=f"{_type(each.check).value}{each.subject.id}"),
        )
        for each in found
    ]
    return sorted(whole, key=lambda each: (each.severity.rank, each.policy, each.check, report_order(each)))


def _type(check: str) -> SubjectType:
    return SubjectType.PRODUCT if check.startswith("seats.") else SubjectType.USER


def groups(found: Sequence[Finding], size: int, *, ordered: bool = True) -> list[list[Finding]]:
    """Divide findings into groups of so many subjects, in the order of subjects or backwards."""
    subjects = sorted({each.subject.id for each in found}, reverse=not ordered)
    parts = [set(subjects[start : start + size]) for start in range(0, len(subjects), size)]
    return [[each for each in found if each.subject.id in part] for part in parts]


def built(parts: Sequence[Sequence[Finding]], spill: SpillFile | None) -> FindingTable:
    builder = FindingTableBuilder(spill)
    for part in parts:
        builder.add(encode(part))
    return builder.table()


@pytest.mark.slow
@settings(deadline=None)
@given(findings())
def test_a_record_batch_holds_findings_as_they_are(found: list[Finding]) -> None:
    assert list(decode(encode(found))) == found


@pytest.mark.slow
@settings(deadline=None)
@given(
    findings(),
    st.integers(1, 4),
    st.sampled_from(["sorted", "foreign"]),
    st.sampled_from([None, 0, 1 << 40]),
    st.sampled_from([1, 3, 99]),
)
def test_a_table_is_the_list_that_it_was_made_of(
    found: list[Finding], size: int, order: str, budget: int | None, limit: int
) -> None:
    spill = None if budget is None else SpillFile(io.BytesIO(), budget=budget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "GROUP_SIZE", limit)
        patch.setattr(tables, "BATCH_SIZE", limit)
        parts = groups(found, size, ordered=order == "sorted")
        for table in (FindingTable.of(found, spill), built(parts, spill)):
            assert len(table) == len(found)
            assert list(table) == found
            assert list(table) == found, "it is read as often as somebody asks"
            assert [each for batch in table.batches() for each in decode(batch)] == found
            check_stats(table, found)
            check_subjects(table, found)
            check_map(table, found)


def check_stats(table: FindingTable, found: list[Finding]) -> None:
    assert table.stats.money == sums(found) == naive_sums(found)
    assert table.stats.unpriced == any(
        each.status is Status.OPEN and each.money is None and each.check != "attribute.missing" for each in found
    )
    assert table.stats.waivers == Counter(each.waiver for each in found if each.status is Status.WAIVED and each.waiver)
    assert list(table.stats.policies) == list(dict.fromkeys(each.policy for each in found))
    for policy, counts in table.stats.policies.items():
        own = [each for each in found if each.policy == policy]
        opened = [each for each in own if each.status is Status.OPEN]
        by_status = Counter(each.status for each in own)
        assert (counts.found, counts.open) == (len(own), len(opened))
        assert (counts.waived, counts.report_only) == (by_status[Status.WAIVED], by_status[Status.REPORT_ONLY])
        assert counts.new == sum(each.change is Change.NEW for each in opened)
        assert counts.reopened == sum(each.change is Change.REOPENED for each in opened)
        assert counts.money == naive_sums(own)
    assert table.stats.people == len({each.subject.id for each in found if each.subject.type is SubjectType.USER})


def naive_sums(found: list[Finding]) -> dict[str, Decimal]:
    """The dearest price of each seat that an open finding names, rounded to cents."""
    seats: dict[tuple[str, str, str | None], Decimal] = {}
    for each in found:
        if each.status is Status.OPEN and each.money is not None and each.money.per_month > 0:
            seat = (each.money.currency, each.subject.id, each.product.sku_id if each.product else None)
            seats[seat] = max(seats.get(seat, Decimal(0)), each.money.per_month)
    return {
        currency: sum((rounded(price) for seat, price in seats.items() if seat[0] == currency), Decimal(0))
        for currency in sorted({seat[0] for seat in seats})
    }


def check_subjects(table: FindingTable, found: list[Finding]) -> None:
    batches = [list(decode(batch)) for batch in table.subject_batches()]
    parts = [{each.subject.id for each in batch} for batch in batches]
    assert sum(map(len, parts)) == len({each.subject.id for each in found}), "nobody is in two groups"
    assert sorted(each.fingerprint for batch in batches for each in batch) == sorted(each.fingerprint for each in found)


def check_map(table: FindingTable, found: list[Finding]) -> None:
    changed = table.map(lambda some: [replace(each, guidance="g") for each in some if each.status is Status.OPEN])
    assert list(changed) == [replace(each, guidance="g") for each in found if each.status is Status.OPEN]
    check_stats(changed, list(changed))
    assert list(table) == found, "the table itself stays"


@pytest.mark.slow
@settings(deadline=None)
@given(
    findings(),
    st.integers(1, 40),
    st.integers(1, 4),
    st.sampled_from([None, 0]),
    st.sampled_from(["compared", "first"]),
)
def test_a_sample_is_the_first_of_every_policy_and_check(
    found: list[Finding], count: int, size: int, budget: int | None, run: str
) -> None:
    """Of a run that was compared with another every finding has a change, else none has."""
    found = [replace(each, change=(each.change or Change.NEW) if run == "compared" else None) for each in found]
    spill = None if budget is None else SpillFile(io.BytesIO(), budget=budget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "GROUP_SIZE", 2)
        for table in (FindingTable.of(found, spill), built(groups(found, size), spill)):
            assert list(table.sample(count)) == sample(found, count)


def sample(found: list[Finding], count: int) -> list[Finding]:
    if len(found) <= count:
        return found
    checks = list(dict.fromkeys((each.policy, each.check) for each in found))
    most = max(1, count // len(checks))
    chosen: set[str] = set()
    for check in checks:
        own = [each for each in found if (each.policy, each.check) == check]
        if own[0].subject.type is SubjectType.USER:
            own = sorted(own, key=lambda each: each.change not in {Change.NEW, Change.REOPENED})[:most]
        chosen |= {each.fingerprint for each in own}
    return [each for each in found if each.fingerprint in chosen]


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": Subject(type=SubjectType.USER, id="u", name="half \ud800")},
        {"detail": "half \udfff"},
        {"evidence": {"a": 2**70, "paths": ["half \ud800"]}},
        {"source": SourceLine(file="f", line=2**70)},
    ],
    ids=str,
)
def test_a_finding_that_utf_8_or_64_bits_cannot_hold_is_read_back_as_it_was(odd: dict[str, Any]) -> None:
    found = [_finding(), replace(_finding(), **odd), _finding()]
    for budget in (0, 1 << 20):
        assert list(FindingTable.of(found, SpillFile(io.BytesIO(), budget=budget))) == found


def test_evidence_that_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="evidence holds no set"):
        encode([replace(_finding(), evidence={"a": {1}})])


def test_memory_goes_back_to_the_budget_with_its_table() -> None:
    spill = SpillFile(io.BytesIO(), budget=10_000)
    table = FindingTable.of([_finding()], spill)
    assert not spill.findings.reserve(10_000)
    del table
    assert spill.findings.reserve(10_000)


def test_a_full_disk_is_reported() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(DeliveryError, match="No space left"):
        FindingTable.of([_finding()], SpillFile(Full(), budget=0))


def test_a_file_that_was_cut_is_reported() -> None:
    file = io.BytesIO()
    table = FindingTable.of([_finding()], SpillFile(file, budget=0))
    file.truncate(5)
    with pytest.raises(DeliveryError, match="was truncated"):
        list(table)


def _finding() -> Finding:
    return Finding(
        fingerprint="0" * 32,
        policy="a",
        check="assignment.denied",
        severity=Severity.LOW,
        status=Status.OPEN,
        subject=Subject(type=SubjectType.USER, id="u", name="Anna"),
        source=SourceLine(file="p.yaml", line=1),
    )
