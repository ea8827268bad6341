"""Merges remedies of one person that begin with the same questions: a leaver's mailbox is backed up once."""

from collections.abc import Sequence

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.requests import assign_user


def merge_same_article(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Merge removals that follow the same article, so that mailbox and account are dealt with once."""
    single: list[Remedy] = []
    by_article: dict[tuple[ActionKind, str], list[Remedy]] = {}
    for remedy in remedies:
        if remedy.is_about_account:
            by_article.setdefault((remedy.kind, remedy.article), []).append(remedy)
        else:
            single.append(remedy)
    return [*single, *map(_merged, by_article.values())]


def _merged(remedies: Sequence[Remedy]) -> Remedy:
    if len(remedies) == 1:
        return remedies[0]
    remedies = sorted(remedies, key=lambda remedy: remedy.old)
    first = remedies[0]
    products = [remedy.old for remedy in remedies]
    direct = all(remedy.requests for remedy in remedies)
    return replace(
        first,
        findings=tuple(finding for remedy in remedies for finding in remedy.findings),
        old="+".join(products),
        extra=tuple(dict.fromkeys(group for remedy in remedies for group in remedy.old_groups)),
        requests=(assign_user(first.subject, remove=products),) if direct else (),
    )
