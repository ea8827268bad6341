"""A Result into the few sentences that every report begins with."""

from auditor.domain.enums import Outcome, Severity, SourceStatus
from auditor.domain.result import Coverage, Result
from auditor.render.text.labels import SOURCE_STATES, SOURCES, Labels

_GAPS = frozenset({SourceStatus.PARTIAL, SourceStatus.DENIED, SourceStatus.UNAVAILABLE})


def verdict(result: Result, words: Labels) -> str:
    """Return the outcome of the run in one sentence; it never sounds complete when the audit is not."""
    found = sum(result.summary.open.values())
    if result.tenants and all(tenant.failure is not None for tenant in result.tenants):
        return words.ngettext(
            "The tenant could not be audited.", "None of the {count} tenants could be audited.", len(result.tenants)
        )
    if not found:
        if not result.complete:
            return words.gettext("No open finding so far, but not everything could be judged.")
        if not (result.fleet.policies or any(tenant.policies for tenant in result.tenants)):
            return words.gettext("Nothing was judged: no policy is for a tenant of this run.")
        return words.gettext("Everything complies with the policies.")
    return (
        words.joined((words.ngettext("{count} open finding", "{count} open findings", found), _worst(result, words)))
        + "."
    )


def _worst(result: Result, words: Labels) -> str:
    counts = result.summary.open
    if counts.get(Severity.CRITICAL, 0):
        return words.ngettext("{count} of them critical", "{count} of them critical", counts[Severity.CRITICAL])
    if counts.get(Severity.HIGH, 0):
        return words.ngettext("{count} of them high", "{count} of them high", counts[Severity.HIGH])
    return words.gettext("none of them critical or high")


def completeness(result: Result, words: Labels) -> tuple[str, ...]:
    """Return what is missing, worst first; one sentence that nothing is where the audit is complete."""
    if result.complete:
        return (words.gettext("Every source that the policies need was read, and every policy was evaluated."),)
    sentences = [
        words.gettext("{tenant} could not be audited: {reason}")
        .replace("{tenant}", tenant.name)
        .replace("{reason}", words.translate(tenant.failure))
        for tenant in result.tenants
        if tenant.failure is not None
    ]
    for tenant in result.tenants:
        unknown = sum(outcome.status is Outcome.NOT_EVALUATED for outcome in tenant.policies)
        if unknown and tenant.failure is None:
            gap = words.ngettext("{count} policy not evaluated in", "{count} policies not evaluated in", unknown)
            sentences.append(f"{gap} {tenant.name}{_gaps(tenant.sources, words)}.")
        elif tenant.failure is None and not tenant.complete:
            sentences.append(
                words.gettext("Not everything was read of") + f" {tenant.name}{_gaps(tenant.sources, words)}."
            )
    unknown = sum(outcome.status is Outcome.NOT_EVALUATED for outcome in result.fleet.policies)
    if unknown:
        sentences.append(
            words.ngettext(
                "{count} policy over all tenants not evaluated.",
                "{count} policies over all tenants not evaluated.",
                unknown,
            )
        )
    return tuple(sentences)


def _gaps(sources: tuple[Coverage, ...], words: Labels) -> str:
    found = [
        f"{words.gettext(SOURCES[source.name])} {words.gettext(SOURCE_STATES[source.status])}"
        for source in sources
        if source.status in _GAPS
    ]
    return f" ({words.joined(found)})" if found else ""
