"""A Result into the subject of its mail: who, what came out, what changed, which day."""

from collections.abc import Iterator
from typing import Final

from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible
from auditor.result.aggregate import changes

LONGEST: Final = 70
"""Characters of a subject; inboxes show no more."""
_LONG: Final = 140
"""Characters of a text of the tenant's that a mail shows."""


def subject_of(result: Result, l10n: Labels, *, complete: bool, weekly: bool) -> str:
    """Return the subject, never more than 70 characters; what says least gives way first."""
    parts = list(_outcome(result, l10n, complete=complete))
    day = l10n.date(result.run.as_of)
    kind = l10n.gettext("Licences this week") if weekly else l10n.gettext("Licences")
    while True:
        tail = f"{kind}: {l10n.joined(parts)} — {day}"
        available = LONGEST - len(tail) - len("[] ")
        who = _who(result, l10n)
        # A name may be cut, the number of tenants may not.
        if available >= (min(len(who), 12) if len(result.tenants) == 1 else len(who)) or len(parts) == 1:
            break
        parts.pop()
    return f"[{flat(who, max(available, 8))}] {flat(tail, LONGEST - 11)}"


def flat(text: str, longest: int = _LONG) -> str:
    """Return a text on one line, without anything that acts, cut to a length that a mail can bear."""
    line = " ".join(visible(text, keep="\n\r\t").split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _who(result: Result, l10n: Labels) -> str:
    if len(result.tenants) == 1:
        tenant = result.tenants[0]
        return flat(tenant.display_name or tenant.name)
    return l10n.ngettext("{count} tenant", "{count} tenants", len(result.tenants))


def _outcome(result: Result, l10n: Labels, *, complete: bool) -> Iterator[str]:
    if result.tenants and all(tenant.failure is not None for tenant in result.tenants):
        yield l10n.gettext("not audited")
        return
    counts = result.summary.open
    findings = sum(counts.values())
    if not complete:
        yield l10n.gettext("incomplete")
    if counts.get(Severity.CRITICAL, 0):
        yield l10n.ngettext("{count} critical", "{count} critical", counts[Severity.CRITICAL])
    elif counts.get(Severity.HIGH, 0):
        yield l10n.ngettext("{count} high", "{count} high", counts[Severity.HIGH])
    elif findings:
        yield l10n.ngettext("{count} open", "{count} open", findings)
    elif complete:
        yield l10n.gettext("nothing open")
    since = changes(result.tenants, result.fleet)
    if result.run.previous is not None:
        if since.new:
            yield l10n.ngettext("{count} new", "{count} new", since.new)
        if since.reopened:
            yield l10n.ngettext("{count} reopened", "{count} reopened", since.reopened)
        if since.fixed:
            yield l10n.ngettext("{count} fixed", "{count} fixed", since.fixed)
