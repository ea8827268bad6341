"""Remedies of one person that start with the same questions into one: a leaver's mailbox is saved once."""

from collections.abc import Sequence

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.kinds import JUDGED_ARTICLES
from auditor.remedy.requests import assign_user

_TAKING = (ActionKind.UNASSIGN, ActionKind.LEAVE_GROUP)


def merge_same_article(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Join what one visit to a person settles: whose mailbox is saved and whose account goes is asked once."""
    single: list[Remedy] = []
    visits: dict[tuple[ActionKind, str], list[Remedy]] = {}
    for remedy in remedies:
        judged = remedy.kind in _TAKING and remedy.article in JUDGED_ARTICLES
        if judged and remedy.situation.self_service is not True:
            visits.setdefault((remedy.kind, remedy.article), []).append(remedy)
        else:
            single.append(remedy)
    return [*single, *map(_joined, visits.values())]


def _joined(remedies: Sequence[Remedy]) -> Remedy:
    if len(remedies) == 1:
        return remedies[0]
    remedies = sorted(remedies, key=lambda remedy: remedy.old)
    first = remedies[0]
    products = [remedy.old for remedy in remedies]
    direct = all(remedy.commands for remedy in remedies)
    return replace(
        first,
        findings=tuple(finding for remedy in remedies for finding in remedy.findings),
        old="+".join(products),
        extra=", ".join(dict.fromkeys(group for r in remedies if r.extra for group in r.extra.split(", "))),
        commands=(assign_user(first.subject, remove=products),) if direct else (),
    )
