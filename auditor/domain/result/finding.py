"""Findings as values, counts and sums over them, and the interface of a table of findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.saved_field import Label
from auditor.domain.sized_iterable import SizedIterable


class Subject(Struct, frozen=True, kw_only=True, gc=False):
    """What a finding is about; the name is for people and never part of a finding's identity."""

    type: SubjectType
    id: str
    name: Label


class ProductReference(Struct, frozen=True, kw_only=True):
    """The product of a finding; `sku_id` is None if it is a set of products in the words of the policy."""

    sku_id: str | None
    sku_part_number: str | None


class SourceLine(Struct, frozen=True, kw_only=True):
    """The file and line of a policy."""

    file: str
    line: int


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """A reported combination of tenant, policy, check, subject, product and detail, with its evidence."""

    fingerprint: str
    policy: str
    check: str
    severity: Severity
    status: Status
    waiver: str | None = None
    change: Change | None = None
    subject: Subject
    product: ProductReference | None = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Facts under their names in Graph, as plain JSON values."""
    money: Money | None = None
    """Monthly cost of the finding, if a price is known."""
    guidance: str = ""
    """The id of the guidance article that describes how to fix it."""
    source: SourceLine


def report_order(finding: Finding) -> tuple[str, str, str, str]:
    """Return the sort key among findings of one policy and check: subject id, product, detail; absent values first."""
    product = finding.product
    if product is None:
        return (finding.subject.id, "", "", finding.detail or "")
    return (finding.subject.id, product.sku_part_number or "", product.sku_id or "", finding.detail or "")


class PolicyStats(Struct, frozen=True, kw_only=True):
    """Counts and sums over the findings of one policy."""

    severity: Severity
    found: int
    """All findings, including waived ones."""
    waived: int
    new: int = 0
    """Open findings that the previous run did not have."""
    report_only: int = 0
    """Findings that no waiver covers but that do not count, because the policy is report-only."""
    reopened: int = 0
    """Open findings that had been fixed or waived before."""
    money: Mapping[str, Decimal]
    """Monthly cost of the open findings, by currency in alphabetical order."""

    @property
    def open(self) -> int:
        """Findings that no waiver covers, of a policy that is not report-only."""
        return self.found - self.waived - self.report_only


class FindingStats(Struct, frozen=True, kw_only=True):
    """Counts and sums over all findings of a table."""

    policies: Mapping[str, PolicyStats] = field(default_factory=dict)
    """By policy id, in report order."""
    money: Mapping[str, Decimal] = field(default_factory=dict)
    """Monthly cost of the open findings, each seat counted once, by currency in alphabetical order."""
    unpriced: bool = False
    """Whether an open finding about seats that are paid for but not needed has no price."""
    waivers: Mapping[str, int] = field(default_factory=dict)
    """Waiver id → number of findings that it covers."""
    people: int = 0
    """Number of people that the findings are about."""


class Findings(SizedIterable[Finding]):
    """The findings of a tenant or of the fleet in report order: a sequence of immutable `Finding` values.

    This class is the table without findings. `auditor.findings.table.FindingTable` overrides everything; it may keep
    the findings on disk, so every iteration may read them again. Iterate once, use `stats` for counts and sums, and
    `sample` for a bounded number of values.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(())

    @property
    def stats(self) -> FindingStats:
        """Counts and sums over all findings, computed once while the table was written."""
        return FindingStats()

    @property
    def spill(self) -> Any:
        """The `SpillFile` of the run, which also stores what is derived from the findings; None if there is none."""
        return None

    def sample(self, _count: int, /) -> tuple[Finding, ...]:
        """Return all findings if there are at most `count`, otherwise the first of every policy and check.

        A sample contains every finding that is not about a person, and about `count` findings about people. Those are
        distributed evenly among the pairs of policy and check, with at least one of each; new and reopened findings
        are preferred. Report order is kept.
        """
        return ()

    def of_checks(self, _prefix: str, /) -> Iterator[Finding]:
        """Yield the findings of the checks whose name begins with `prefix`, in report order; others are not decoded."""
        return iter(())

    def map(self, _change: Callable[[Sequence[Finding]], Iterable[Finding]], /) -> "Findings":
        """Return a new table of the findings that `change` returns for every batch of `subject_batches`.

        `change` may leave findings out. Within one policy and check it must keep the order, or return findings in the
        order of their new subject ids.
        """
        return self

    def map_batches(self, _change: Callable[[Any], Any], /) -> "Findings":
        """Return a new table of what `change` returns for every record batch of `subject_batches`, in its order."""
        return self

    def batches(self) -> Iterator[Any]:
        """Yield the findings in report order as Arrow record batches of `auditor.findings.columns.SCHEMA`."""
        return iter(())

    def subject_batches(self) -> Iterator[Any]:
        """Yield record batches in report order; each batch contains all findings about its subjects."""
        return iter(())
