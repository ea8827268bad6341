"""Findings as values, and the interface of a table of findings."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from auditor.domain.actions.money import Money
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result.finding_stats import Concern, FindingStats
from auditor.domain.saved_field import Label
from auditor.domain.sized_iterable import SizedIterable


class Subject(Struct, frozen=True, kw_only=True):
    """What a finding is about; the name is for people and never part of a finding's identity."""

    type: SubjectType
    id: str
    name: Label


class ProductReference(Struct, frozen=True, kw_only=True):
    """The product of a finding; `sku_id` is None where the policy's own words stand for a set of products."""

    sku_id: str | None
    sku_part_number: str | None


class SourceLine(Struct, frozen=True, kw_only=True):
    """Where a policy was written."""

    file: str
    line: int


class Finding(Struct, frozen=True, kw_only=True):
    """One (tenant, policy, check, subject, product, detail) worth telling, with its evidence."""

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
    """Facts in Graph's own names, as plain JSON values."""
    money: Money | None = None
    """What the finding costs a month, where a price is known."""
    guidance: str = ""
    """The id of the documented article that mends it."""
    source: SourceLine


def report_order(finding: Finding) -> tuple[str, str, str, str]:
    """Order the findings of one policy and check by subject id, product and detail; absent values go first."""
    product = finding.product
    if product is None:
        return (finding.subject.id, "", "", finding.detail or "")
    return (finding.subject.id, product.sku_part_number or "", product.sku_id or "", finding.detail or "")


class Findings(SizedIterable[Finding]):
    """The findings of a tenant or of the fleet in report order: a sequence of immutable `Finding` values.

    `auditor.findings.table.FindingTable` is the implementation; it may keep the findings on disk, so every iteration
    may read them again. Iterate once, use `stats` for counts and sums, and `sample` for a bounded number of values.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def stats(self) -> FindingStats:
        """Counts and sums over all findings, computed once while the table was written."""

    @abstractmethod
    def sample(self, count: int) -> tuple[Finding, ...]:
        """Return all findings if there are at most `count`, otherwise the first of every policy and check.

        A sample holds every finding that is not about a person and about `count` findings about people, shared evenly
        among the pairs of policy and check, at least one of each, new and reopened ones first. Report order is kept.
        """

    @abstractmethod
    def map(self, change: Callable[[Sequence[Finding]], Iterable[Finding]]) -> "Findings":
        """Return a new table of what `change` makes of every batch of `subject_batches`; it may leave findings out.

        Within one policy and check `change` keeps the order, or returns findings in the order of their new subject ids.
        """

    @abstractmethod
    def map_batches(self, change: Callable[[Any], Any]) -> "Findings":
        """Return a new table of what `change` makes of every record batch of `subject_batches`, in its order."""

    @abstractmethod
    def with_concerns(self, concerns: Mapping[str, Concern]) -> "Findings":
        """Return the same findings with whom the actions about them concern, by action id."""

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yield the findings in report order as Arrow record batches of `auditor.findings.columns.SCHEMA`."""

    @abstractmethod
    def subject_batches(self) -> Iterator[Any]:
        """Yield record batches, each of them with all findings about its subjects, in report order."""


class NoFindings(Findings):
    """The findings of a tenant or a fleet in which nothing was found."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(())

    @property
    def stats(self) -> FindingStats:
        """Zero counts."""
        return FindingStats()

    def sample(self, _count: int) -> tuple[Finding, ...]:
        """Return an empty tuple."""
        return ()

    def map(self, _change: Callable[[Sequence[Finding]], Iterable[Finding]]) -> "Findings":
        """Return the same table."""
        return self

    def map_batches(self, _change: Callable[[Any], Any]) -> "Findings":
        """Return the same table."""
        return self

    def with_concerns(self, _concerns: Mapping[str, Concern]) -> "Findings":
        """Return the same table."""
        return self

    def batches(self) -> Iterator[Any]:
        """Yield nothing."""
        return iter(())

    def subject_batches(self) -> Iterator[Any]:
        """Yield nothing."""
        return iter(())
