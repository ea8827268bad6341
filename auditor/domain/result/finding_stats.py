"""Counts and sums over the findings of one tenant or of the fleet."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from auditor.domain.enums import Severity


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
