"""FindingTable agrees with a plain list on order, counts and samples, in memory and on disk."""

import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.money import Money, rounded
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject, report_order
from auditor.findings import table as tables
from auditor.findings.columns import decode, encode
from auditor.findings.spill import SpillFile
from auditor.findings.stats import monthly_cost
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
    """Draw findings about people and products, without duplicates, in report order."""
    drawn = draw(
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
    completed = [
        replace(
            finding,
            severity=POLICIES[finding.policy],
            subject=replace(
                finding.subject, type=_type(finding.check), id=f"{_type(finding.check).value}{finding.subject.id}"
            ),
        )
        for finding in drawn
    ]
    return sorted(
        completed, key=lambda finding: (finding.severity.rank, finding.policy, finding.check, report_order(finding))
    )


def _type(check: str) -> SubjectType:
    return SubjectType.PRODUCT if check.startswith("seats.") else SubjectType.USER


def groups(rows: Sequence[Finding], size: int, *, ordered: bool = True) -> list[list[Finding]]:
    """Divide findings into groups of `size` subjects, in ascending or descending order of subjects."""
    subjects = sorted({row.subject.id for row in rows}, reverse=not ordered)
    parts = [set(subjects[start : start + size]) for start in range(0, len(subjects), size)]
    return [[row for row in rows if row.subject.id in part] for part in parts]


def table_of(parts: Sequence[Sequence[Finding]], spill: SpillFile | None) -> FindingTable:
    builder = FindingTableBuilder(spill)
    for part in parts:
        builder.add(encode(part))
    return builder.table()


@pytest.mark.slow
@settings(deadline=None)
@given(findings())
def test_findings_decoded_from_a_record_batch_equal_the_originals(expected: list[Finding]) -> None:
    assert list(decode(encode(expected))) == expected


@pytest.mark.slow
@settings(deadline=None)
@given(
    findings(),
    st.integers(1, 4),
    st.sampled_from(["sorted", "foreign"]),
    st.sampled_from([None, 0, 1 << 40]),
    st.sampled_from([1, 3, 99]),
)
def test_table_equals_the_list_that_it_was_made_of(
    expected: list[Finding], size: int, order: str, budget: int | None, limit: int
) -> None:
    spill = None if budget is None else SpillFile(io.BytesIO(), budget=budget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "GROUP_SIZE", limit)
        patch.setattr(tables, "BATCH_SIZE", limit)
        parts = groups(expected, size, ordered=order == "sorted")
        for table in (FindingTable.of(expected, spill), table_of(parts, spill)):
            assert len(table) == len(expected)
            assert list(table) == expected
            assert list(table) == expected, "a table can be read several times"
            for prefix in ("assignment.", "seats.", "attribute.missing", "contract."):
                assert list(table.of_checks(prefix)) == [row for row in expected if row.check.startswith(prefix)]
            assert [finding for batch in table.batches() for finding in decode(batch)] == expected
            assert_stats(table, expected)
            assert_subjects(table, expected)
            assert_map(table, expected)


def assert_stats(table: FindingTable, expected: list[Finding]) -> None:
    assert table.stats.money == monthly_cost(expected) == naive_sums(expected)
    assert table.stats.unpriced == any(
        finding.status is Status.OPEN and finding.money is None and finding.check != "attribute.missing"
        for finding in expected
    )
    assert table.stats.waivers == Counter(
        finding.waiver for finding in expected if finding.status is Status.WAIVED and finding.waiver
    )
    assert list(table.stats.policies) == list(dict.fromkeys(finding.policy for finding in expected))
    for policy, counts in table.stats.policies.items():
        policy_rows = [finding for finding in expected if finding.policy == policy]
        opened = [finding for finding in policy_rows if finding.status is Status.OPEN]
        by_status = Counter(finding.status for finding in policy_rows)
        assert (counts.found, counts.open) == (len(policy_rows), len(opened))
        assert (counts.waived, counts.report_only) == (by_status[Status.WAIVED], by_status[Status.REPORT_ONLY])
        assert counts.new == sum(finding.change is Change.NEW for finding in opened)
        assert counts.reopened == sum(finding.change is Change.REOPENED for finding in opened)
        assert counts.money == naive_sums(policy_rows)
    assert table.stats.people == len(
        {finding.subject.id for finding in expected if finding.subject.type is SubjectType.USER}
    )


def naive_sums(expected: list[Finding]) -> dict[str, Decimal]:
    """The sums by currency of the highest price of each seat with an open finding, rounded to cents."""
    seats: dict[tuple[str, str, str | None], Decimal] = {}
    for finding in expected:
        if finding.status is Status.OPEN and finding.money is not None and finding.money.per_month > 0:
            seat = (finding.money.currency, finding.subject.id, finding.product.sku_id if finding.product else None)
            seats[seat] = max(seats.get(seat, Decimal(0)), finding.money.per_month)
    return {
        currency: sum((rounded(price) for seat, price in seats.items() if seat[0] == currency), Decimal(0))
        for currency in sorted({seat[0] for seat in seats})
    }


def assert_subjects(table: FindingTable, expected: list[Finding]) -> None:
    batches = [list(decode(batch)) for batch in table.subject_batches()]
    parts = [{finding.subject.id for finding in batch} for batch in batches]
    assert sum(map(len, parts)) == len({finding.subject.id for finding in expected}), "no subject is in two batches"
    assert sorted(finding.fingerprint for batch in batches for finding in batch) == sorted(
        finding.fingerprint for finding in expected
    )


def assert_map(table: FindingTable, expected: list[Finding]) -> None:
    changed = table.map(
        lambda batch: [replace(finding, guidance="g") for finding in batch if finding.status is Status.OPEN]
    )
    assert list(changed) == [replace(finding, guidance="g") for finding in expected if finding.status is Status.OPEN]
    assert_stats(changed, list(changed))
    assert list(table) == expected, "the original table is unchanged"


@pytest.mark.slow
@settings(deadline=None)
@given(
    findings(),
    st.integers(1, 40),
    st.integers(1, 4),
    st.sampled_from([None, 0]),
    st.sampled_from(["compared", "first"]),
)
def test_sample_has_the_first_findings_of_every_policy_and_check(
    expected: list[Finding], count: int, size: int, budget: int | None, run: str
) -> None:
    """In a run that was compared with an earlier one, every finding has a change; otherwise, none has."""
    expected = [
        replace(finding, change=(finding.change or Change.NEW) if run == "compared" else None) for finding in expected
    ]
    spill = None if budget is None else SpillFile(io.BytesIO(), budget=budget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "GROUP_SIZE", 2)
        for table in (FindingTable.of(expected, spill), table_of(groups(expected, size), spill)):
            assert list(table.sample(count)) == sample(expected, count)


def sample(expected: list[Finding], count: int) -> list[Finding]:
    if len(expected) <= count:
        return expected
    checks = list(dict.fromkeys((finding.policy, finding.check) for finding in expected))
    most = max(1, count // len(checks))
    fingerprints: set[str] = set()
    for check in checks:
        check_rows = [finding for finding in expected if (finding.policy, finding.check) == check]
        if check_rows[0].subject.type is SubjectType.USER:
            check_rows = sorted(check_rows, key=lambda finding: finding.change not in {Change.NEW, Change.REOPENED})[
                :most
            ]
        fingerprints |= {finding.fingerprint for finding in check_rows}
    return [finding for finding in expected if finding.fingerprint in fingerprints]


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
def test_finding_with_surrogates_or_large_integers_is_read_back_unchanged(odd: dict[str, Any]) -> None:
    expected = [_finding(), replace(_finding(), **odd), _finding()]
    for budget in (0, 1 << 20):
        assert list(FindingTable.of(expected, SpillFile(io.BytesIO(), budget=budget))) == expected


def test_evidence_that_is_not_json_raises_type_error() -> None:
    with pytest.raises(TypeError, match="evidence holds no set"):
        encode([replace(_finding(), evidence={"a": {1}})])


def test_deleting_a_table_returns_its_memory_to_the_budget() -> None:
    spill = SpillFile(io.BytesIO(), budget=10_000)
    table = FindingTable.of([_finding()], spill)
    assert not spill.findings.reserve(10_000)
    del table
    assert spill.findings.reserve(10_000)


def test_full_disk_is_reported() -> None:
    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(DeliveryError, match="No space left"):
        FindingTable.of([_finding()], SpillFile(FullDisk(), budget=0))


def test_truncated_file_is_reported() -> None:
    file = io.BytesIO()
    table = FindingTable.of([_finding()], SpillFile(file, budget=0))
    file.truncate(5)
    with pytest.raises(DeliveryError, match="temporary data cannot be read: the temporary file was truncated"):
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
