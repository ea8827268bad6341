"""Builds the subject of a mail: tenant, outcome, changes, day."""

from collections.abc import Iterator
from typing import Final

from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.render.text.labels import COUNTED_CHANGES, Labels
from auditor.render.text.sanitize import single_line
from auditor.result.aggregate import changes

MAX_SUBJECT: Final = 70
"""Maximum characters of a subject; inboxes show no more."""
_MIN_TENANT: Final = 24
"""Characters of a tenant's name that are kept."""


def subject_of(result: Result, l10n: Labels, *, complete: bool, weekly: bool) -> str:
    """Return the subject, at most 70 characters; changes are left out first, then the day, then counts."""
    outcome, changed = list(_outcome(result, l10n, complete=complete)), list(_changed(result, l10n))
    kind = l10n.gettext("Licences this week") if weekly else l10n.gettext("Licences")
    days = [outcome + changed[:count] for count in range(len(changed), -1, -1)]
    tails = [f"{kind}: {l10n.joined(parts)} — {l10n.date(result.run.as_of)}" for parts in days]
    tails += [f"{kind}: {l10n.joined(parts)}" for parts in (outcome, outcome[:1])]
    who = l10n.plural("{count} tenant", "{count} tenants", len(result.tenants))
    if len(result.tenants) == 1:
        who = single_line(result.tenants[0].title)
    # The name of a tenant may be truncated, the number of tenants may not.
    needed = min(len(who), _MIN_TENANT) if len(result.tenants) == 1 else len(who)
    tail = next((text for text in tails if MAX_SUBJECT - len(text) - len("[] ") >= needed), tails[-1])
    return f"[{single_line(who, max(MAX_SUBJECT - len(tail) - len('[] '), 8))}] {single_line(tail, MAX_SUBJECT - 11)}"


def _outcome(result: Result, l10n: Labels, *, complete: bool) -> Iterator[str]:
    if result.nothing_audited:
        yield l10n.gettext("not audited")
        return
    counts = result.summary.open
    findings = sum(counts.values())
    if not complete:
        yield l10n.gettext("incomplete")
    if counts.get(Severity.CRITICAL, 0):
        yield l10n.plural("{count} critical", "{count} critical", counts[Severity.CRITICAL])
    elif counts.get(Severity.HIGH, 0):
        yield l10n.plural("{count} high", "{count} high", counts[Severity.HIGH])
    elif findings:
        yield l10n.plural("{count} open", "{count} open", findings)
    elif complete:
        yield l10n.gettext("nothing open")


def _changed(result: Result, l10n: Labels) -> Iterator[str]:
    if result.run.previous is not None:
        changed = changes(result.tenants, result.fleet)
        for key, forms in COUNTED_CHANGES.items():
            if count := getattr(changed, key):
                yield l10n.plural(*forms, count)
