"""Why something could not be decided: gathered as facts that are missing and one sentence of reason."""

from dataclasses import dataclass, field

from auditor.domain.enums import Source, SourceStatus
from auditor.engine.tenant_facts import TenantFacts

_WHY = {
    SourceStatus.PARTIAL: "was read in part only",
    SourceStatus.DENIED: "could not be read: permission denied",
    SourceStatus.UNAVAILABLE: "is not available in this tenant",
    SourceStatus.NOT_NEEDED: "was not collected",
}


@dataclass(slots=True)
class NotEvaluated:
    """Everything that keeps a policy from being evaluated."""

    missing: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, other: "NotEvaluated | None") -> "NotEvaluated":
        """Start from another doubt, or from none."""
        doubt = cls()
        if other is not None:
            doubt.take(other)
        return doubt

    def add(self, fact: str, reason: str) -> None:
        """Note a missing fact; each fact and reason is kept once."""
        if fact not in self.missing:
            self.missing.append(fact)
        if reason not in self.reasons:
            self.reasons.append(reason)

    def take(self, other: "NotEvaluated") -> None:
        """Note everything that another doubt holds."""
        self.missing.extend(fact for fact in other.missing if fact not in self.missing)
        self.reasons.extend(reason for reason in other.reasons if reason not in self.reasons)


def unread(facts: TenantFacts, source: Source) -> NotEvaluated | None:
    """Return why a source is not known whole; None where it is."""
    coverage = facts.coverage(source)
    if coverage.status is SourceStatus.COMPLETE:
        return None
    reason = f"{source} {_WHY[coverage.status]}"
    return NotEvaluated(
        missing=[source.value], reasons=[f"{reason} ({coverage.reason})" if coverage.reason else reason]
    )


def unasked(facts: TenantFacts, name: str) -> NotEvaluated | None:
    """Return why a property of users is not known; None where it was collected."""
    if facts.asked(name):
        return None
    return NotEvaluated(
        missing=[f"users.{name}"],
        reasons=[f"the property {name} of users was not collected; collect the snapshot again"],
    )
