"""Names what an audit or a plan leaves out because it was not read or could not be evaluated."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.enums import SourceStatus
from auditor.domain.message import Message, detailed, joined
from auditor.domain.reasons import by_reason
from auditor.domain.result.model import Coverage, PolicyOutcome
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.render.text.labels import OUTCOMES, SOURCE_STATES

GAPS: Final = frozenset({SourceStatus.PARTIAL, SourceStatus.DENIED, SourceStatus.UNAVAILABLE})
"""The states of sources that were not read completely."""


def omissions(sources: Iterable[Coverage], policies: Iterable[PolicyOutcome]) -> tuple[Message, ...]:
    """Return the sources that were not read, and the policies that were not evaluated, each with the reason."""
    unread = [
        detailed(joined(": ", map(Message, (SOURCE_TITLES[source.name], SOURCE_STATES[source.status]))), source.reason)
        for source in sources
        if source.status in GAPS
    ]
    undecided = by_reason(unevaluated(policies))
    return (*unread, *(joined(": ", (", ".join(ids), reason)) for reason, ids in undecided.items()))


def unevaluated(policies: Iterable[PolicyOutcome]) -> list[tuple[str, Message]]:
    """Return the ids of the policies that were not evaluated, each with the reason."""
    return [(policy.id, policy.reason or Message(OUTCOMES[policy.status])) for policy in policies if policy.unknown]
