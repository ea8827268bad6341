"""Determines what a plan leaves out because it was not read or could not be evaluated."""

from auditor.checks.data_needs import needs
from auditor.domain.enums import Outcome, SourceStatus
from auditor.domain.message import Message, detailed, joined
from auditor.domain.policy.model import PolicySet
from auditor.domain.reasons import by_reason
from auditor.domain.result.model import TenantResult
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.render.text.labels import OUTCOMES, SOURCE_STATES


def omissions(tenant: TenantResult, policies: PolicySet) -> tuple[Message, ...]:
    """Return the sources that were not read, and the policies that were not evaluated, each with the reason."""
    needed = needs(policies).sources
    sources = [
        detailed(joined(": ", map(Message, (SOURCE_TITLES[source.name], SOURCE_STATES[source.status]))), source.reason)
        for source in tenant.sources
        if source.name in needed and source.status not in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED}
    ]
    undecided = by_reason(
        (outcome.id, outcome.reason or Message(OUTCOMES[outcome.status]))
        for outcome in tenant.policies
        if outcome.status is Outcome.NOT_EVALUATED
    )
    return (*sources, *(joined(": ", (", ".join(ids), reason)) for reason, ids in undecided.items()))
