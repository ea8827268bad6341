"""The introductory sentences that all reports share: the outcome, and which data is missing."""

from collections.abc import Iterator

from auditor.domain.enums import Severity, SourceStatus
from auditor.domain.result.model import Coverage, PolicyOutcome, Result, TenantResult
from auditor.render.text.labels import SOURCE_STATES, SOURCES, Labels

_GAPS = frozenset({SourceStatus.PARTIAL, SourceStatus.DENIED, SourceStatus.UNAVAILABLE})


def verdict(result: Result, l10n: Labels) -> str:
    """Return the outcome of the run in one sentence; if the audit is incomplete, it never sounds complete."""
    count = sum(result.summary.open.values())
    if result.tenants and all(tenant.failure is not None for tenant in result.tenants):
        return l10n.ngettext(
            "The tenant could not be audited.", "None of the {count} tenants could be audited.", len(result.tenants)
        )
    if not count:
        if not result.complete:
            return l10n.gettext("No open finding so far, but not everything could be evaluated.")
        if not (result.fleet.policies or any(tenant.policies for tenant in result.tenants)):
            return l10n.gettext("Nothing was evaluated: no policy applies to a tenant of this run.")
        return l10n.gettext("Everything complies with the policies.")
    return (
        l10n.joined((l10n.ngettext("{count} open finding", "{count} open findings", count), _worst_count(result, l10n)))
        + "."
    )


def _worst_count(result: Result, l10n: Labels) -> str:
    counts = result.summary.open
    if counts.get(Severity.CRITICAL, 0):
        return l10n.ngettext("{count} of them critical", "{count} of them critical", counts[Severity.CRITICAL])
    if counts.get(Severity.HIGH, 0):
        return l10n.ngettext("{count} of them high", "{count} of them high", counts[Severity.HIGH])
    return l10n.gettext("none of them critical or high")


def completeness(result: Result, l10n: Labels) -> tuple[str, ...]:
    """Return sentences about missing data, the worst first; if the audit is complete, one sentence that says so."""
    if result.complete:
        return (l10n.gettext("Every source that the policies need was read, and every policy was evaluated."),)
    sentences = [
        l10n.gettext("{tenant} could not be audited: {reason}")
        .replace("{tenant}", tenant.name)
        .replace("{reason}", l10n.translate(tenant.failure))
        for tenant in result.tenants
        if tenant.failure is not None
    ]
    for tenant in result.tenants:
        unknown = sum(outcome.unknown for outcome in tenant.policies)
        if unknown and tenant.failure is None:
            text = l10n.ngettext("{count} policy not evaluated in", "{count} policies not evaluated in", unknown)
            sentences.append(f"{text} {tenant.name}{_gaps(tenant.sources, l10n)}.")
        elif tenant.failure is None and not tenant.complete:
            sentences.append(
                l10n.gettext("Some data was not read from") + f" {tenant.name}{_gaps(tenant.sources, l10n)}."
            )
    unknown = sum(outcome.unknown for outcome in result.fleet.policies)
    if unknown:
        sentences.append(
            l10n.ngettext(
                "{count} policy across tenants was not evaluated.",
                "{count} policies across tenants were not evaluated.",
                unknown,
            )
        )
    return tuple(sentences)


def missing_data(result: Result, l10n: Labels) -> Iterator[tuple[str, str]]:
    """Yield (tenant name, or a label for all tenants; reason) for each reason why the audit is incomplete."""
    for tenant in result.tenants:
        yield from ((tenant.name, reason) for reason in _reasons(tenant, l10n))
    fleet = l10n.gettext("all tenants together")
    yield from ((fleet, reason) for reason in _not_evaluated(result.fleet.policies, l10n))


def _reasons(tenant: TenantResult, l10n: Labels) -> list[str]:
    """Return why a tenant is incomplete: it was not audited, a source was not read, or a policy was not evaluated."""
    if tenant.failure is not None:
        return [l10n.gettext("not audited: {reason}").replace("{reason}", l10n.translate(tenant.failure))]
    unknown = l10n.gettext("no reason is known")
    gaps = [
        f"{l10n.gettext(SOURCES[source.name])}: {l10n.gettext(SOURCE_STATES[source.status])}: "
        f"{l10n.translate(source.reason) if source.reason else unknown}"
        for source in tenant.sources
        if source.status in _GAPS
    ]
    gaps += _not_evaluated(tenant.policies, l10n)
    return gaps if gaps or tenant.complete else [l10n.gettext("the tenant was not read completely")]


def _not_evaluated(policies: tuple[PolicyOutcome, ...], l10n: Labels) -> list[str]:
    unknown = [policy.id for policy in policies if policy.unknown]
    text = l10n.gettext("not evaluated: {policies}")
    return [text.replace("{policies}", ", ".join(unknown))] if unknown else []


def _gaps(sources: tuple[Coverage, ...], l10n: Labels) -> str:
    gaps = [
        f"{l10n.gettext(SOURCES[source.name])} {l10n.gettext(SOURCE_STATES[source.status])}"
        for source in sources
        if source.status in _GAPS
    ]
    return f" ({l10n.joined(gaps)})" if gaps else ""
