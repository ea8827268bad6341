"""The introductory sentences that all reports share: the outcome, and which data is missing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from auditor.domain.enums import Severity, SourceStatus
from auditor.domain.message import Message, detailed, joined, truncated
from auditor.domain.reasons import by_reason, kind_of, without_details
from auditor.domain.result.model import Coverage, PolicyOutcome, Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.domain.translation import capitalized
from auditor.localization import Localization
from auditor.render.text.labels import OUTCOMES, SEVERITIES, SOURCE_STATES, Labels
from auditor.render.text.sanitize import shortened
from auditor.result.aggregate import outdated_tenants
from auditor.result.ranking import by_urgency

MAX_NAMED: Final = 3
"""Maximum number of tenants or policies that a sentence or title names."""
_NAMED_REASONS: Final = 2
"""Reasons that are given in a sentence."""
_MAX_REASON: Final = 160
"""Characters of a reason in a sentence; the outcome of the policy has all of it."""
_UNKNOWN_NAME: Final = "policy.unknown-"
"""The beginning of the codes of notices about names that do not exist."""
_MAX_UNKNOWN_NAMES: Final = 5
_NAMES: Final = re.compile(r"(?<!\w)'[^']*'(?!\w)|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
"""Quoted names, and ids, in a reason."""
_GAPS: Final = frozenset({SourceStatus.PARTIAL, SourceStatus.DENIED, SourceStatus.UNAVAILABLE})
"""The states of sources that were not read completely."""


def verdict(result: Result, l10n: Labels) -> str:
    """Return the outcome of the run in at most two sentences; if the audit is incomplete, it never sounds complete."""
    count = sum(result.summary.open.values())
    if result.nothing_audited:
        return l10n.plural(
            "The tenant could not be audited.", "None of the {count} tenants could be audited.", len(result.tenants)
        )
    if not count:
        if not result.complete:
            return l10n.gettext("No open finding so far, but not everything could be evaluated.")
        if not result.tenants:
            return l10n.gettext("Nothing was evaluated: the run, or its part of the tenants (--shard), has no tenants.")
        if not _has_policies(result):
            return l10n.gettext("Nothing was evaluated: no policy applies to a tenant of this run.")
        if waived := result.summary.waived:
            return l10n.plural(
                "No finding is open; {count} is waived.", "No finding is open; {count} are waived.", waived
            )
        return l10n.gettext("Everything complies with the policies.")
    found = l10n.plural("{count} open finding", "{count} open findings", count)
    if count == 1:  # "1 of them" does not fit a single finding
        severity = next(severity for severity, number in result.summary.open.items() if number)
        return f"{found}. {l10n.gettext('Severity: {severity}.', severity=l10n.gettext(SEVERITIES[severity]))}"
    return f"{l10n.joined((found, _worst_count(result, l10n)))}."


def _has_policies(result: Result) -> bool:
    return bool(result.fleet.policies) or any(tenant.policies for tenant in result.tenants)


def _titles(result: Result) -> Mapping[str, str]:
    return {name: shortened(title) for name, title in tenant_titles(result.tenants).items()}


def _worst_count(result: Result, l10n: Labels) -> str:
    counts = result.summary.open
    if counts.get(Severity.CRITICAL, 0):
        return l10n.plural("{count} of them critical", "{count} of them critical", counts[Severity.CRITICAL])
    if counts.get(Severity.HIGH, 0):
        return l10n.plural("{count} of them high", "{count} of them high", counts[Severity.HIGH])
    return l10n.gettext("none of them critical or high")


def completeness(result: Result, l10n: Labels) -> tuple[str, ...]:
    """Return texts about missing and old data, the worst first; if the audit is complete, one text that says so."""
    titles = _titles(result)
    outdated = tuple(_outdated(result, titles, l10n))
    if not result.complete:
        return (*_failures(result, titles, l10n), *outdated, *_unevaluated_sentences(result, titles, l10n))
    if not _has_policies(result):
        return (l10n.gettext("No data was needed."),)
    # The report of a recipient may contain only some of the policies.
    sentence = l10n.gettext(
        "Every source that the policies of this report need was read, and each of these policies was evaluated."
    )
    return (" ".join((*outdated, sentence)),)


def _outdated(result: Result, titles: Mapping[str, str], l10n: Labels) -> Iterator[str]:
    """Yield a sentence about the tenants whose data is older than a day, as after a collection that failed."""
    instants = {titles[tenant.name]: tenant.as_of for tenant in outdated_tenants(result)}
    if instants:
        yield l10n.plural(
            "The data of {tenants} was read on {date}, more than a day before the audit; auditor collect reads it "
            "again.",
            "The data of {tenants} was read more than a day before the audit, the oldest on {date}; auditor collect "
            "reads it again.",
            len(instants),
            tenants=named_tenants(tuple(instants), len(titles), l10n),
            date=l10n.day(next(iter(instants.values()))),
        )


def _unevaluated_sentences(result: Result, titles: Mapping[str, str], l10n: Labels) -> Iterator[str]:
    """Yield a sentence for tenants in which the same policies were not evaluated; the longest lists come first.

    Reasons may differ in their values, such as an amount: a sentence about several tenants gives those they share.
    """
    alike: dict[tuple[tuple[str, ...], str | frozenset[frozenset[str]]], list[TenantResult]] = {}
    for tenant in by_urgency(result.tenants):
        if tenant.failure is None and not tenant.fully_evaluated:
            unknown = unevaluated(tenant.policies)
            cause = _gaps(tenant.sources, l10n) or frozenset(kind_of(reason) for _, reason in unknown)
            alike.setdefault((tuple(policy for policy, _ in unknown), cause), []).append(tenant)
    for (ids, cause), tenants in sorted(alike.items(), key=lambda item: -len(item[0][0])):
        text = (
            l10n.plural("{count} policy not evaluated in", "{count} policies not evaluated in", len(ids))
            if ids
            else l10n.gettext("Some data was not read from")
        )
        names = [titles[tenant.name] for tenant in tenants]
        reason = cause if isinstance(cause, str) else _shared_reasons([tenant.policies for tenant in tenants], l10n)
        yield _sentence(f"{text} {named_tenants(names, len(titles), l10n)}", reason, ids, l10n)
    if ids := tuple(policy for policy, _ in unevaluated(result.fleet.policies)):
        text = l10n.plural(
            "{count} policy across tenants was not evaluated",
            "{count} policies across tenants were not evaluated",
            len(ids),
        )
        yield _sentence(text, _shared_reasons([result.fleet.policies], l10n), ids, l10n)


def _shared_reasons(parts: Sequence[Iterable[PolicyOutcome]], l10n: Labels) -> str:
    """Return the reasons, in the same words in all parts, for which most policies were not evaluated."""
    counts = [Counter(l10n.translate(reason) for _, reason in unevaluated(policies)) for policies in parts]
    shared = [reason for reason, _ in counts[0].most_common() if all(reason in others for others in counts)]
    return "; ".join(truncated((shortened(reason, _MAX_REASON) for reason in shared), _NAMED_REASONS))


def _sentence(text: str, reason: str, ids: Sequence[str], l10n: Labels) -> str:
    listed = l10n.first_of(ids, MAX_NAMED)
    return f"{text}{f': {listed}' if listed else ''}{f' ({reason})' if reason else ''}."


def _failures(result: Result, titles: Mapping[str, str], l10n: Labels) -> Iterator[str]:
    """Yield a sentence for each reason why tenants could not be audited."""
    failed = (
        (titles[tenant.name], l10n.translate(tenant.failure)) for tenant in result.tenants if tenant.failure is not None
    )
    for names, reason in _combined(failed):
        if len(names) == 1:
            yield l10n.gettext("{tenant} could not be audited: {reason}", tenant=names[0], reason=reason)
        else:
            listed = named_tenants(names, len(titles), l10n)
            yield l10n.gettext("{tenants} could not be audited: {reason}", tenants=listed, reason=reason)


def unknown_names(result: Result, l10n: Labels) -> tuple[str, ...]:
    """Return sentences about products, services and roles that the policies name and that do not exist."""
    titles = _titles(result)
    tenants_of: dict[str, list[str]] = {}
    for tenant in result.tenants:
        for notice in tenant.notices:
            if notice.code.startswith(_UNKNOWN_NAME):
                tenants_of.setdefault(l10n.translate(notice.message), []).append(titles[tenant.name])
    for notice in result.fleet.notices:
        if notice.code.startswith(_UNKNOWN_NAME):
            tenants_of.setdefault(l10n.translate(notice.message), list(titles.values()))
    lines = [
        capitalized(text, l10n.locale)
        if len(tenants) == len(titles)
        else f"{named_tenants(tenants, len(titles), l10n)}: {text}"
        for text, tenants in tenants_of.items()
    ]
    more = len(lines) - _MAX_UNKNOWN_NAMES
    return (*lines[:_MAX_UNKNOWN_NAMES], *([l10n.more(more)] if more > 0 else []))


def missing_data(result: Result, l10n: Labels) -> Iterator[tuple[str, str]]:
    """Yield (tenants, or a label for policies across tenants; reason) for each reason why the audit is incomplete."""
    titles = _titles(result)
    reasons = [
        (titles[tenant.name], reason) for tenant in by_urgency(result.tenants) for reason in _reasons(tenant, l10n)
    ]
    yield from combined_reasons(reasons, len(titles), l10n)
    fleet = l10n.gettext("Policies across tenants")
    yield from ((fleet, l10n.translate(reason)) for reason in omissions((), result.fleet.policies))


def omissions(sources: Iterable[Coverage], policies: Iterable[PolicyOutcome]) -> tuple[Message, ...]:
    """Return the sources that were not read, and the policies that were not evaluated, each with the reason.

    Sources with the same reason are combined, and the reasons of policies do not repeat it.
    """
    unread: dict[tuple[str, Message | None], list[Message]] = {}
    for source in sources:
        if source.status in _GAPS:
            titles = unread.setdefault((SOURCE_STATES[source.status], source.reason), [])
            titles.append(Message(SOURCE_TITLES[source.name]))
    listed = [
        detailed(joined(": ", (joined(", ", titles), Message(state))), reason)
        for (state, reason), titles in unread.items()
    ]
    details = {reason for _, reason in unread if reason is not None}
    undecided = by_reason((policy, without_details(reason, details)) for policy, reason in unevaluated(policies))
    return (*listed, *(joined(": ", (", ".join(ids), reason)) for reason, ids in undecided.items()))


def unevaluated(policies: Iterable[PolicyOutcome]) -> list[tuple[str, Message]]:
    """Return the ids of the policies that were not evaluated, each with the reason."""
    return [(policy.id, policy.reason or Message(OUTCOMES[policy.status])) for policy in policies if policy.unknown]


def combined_reasons(
    reasons: Iterable[tuple[str, str]], total: int, l10n: Localization, *, limit: int = MAX_NAMED
) -> Iterator[tuple[str, str]]:
    """Yield (tenants, reason) from pairs of a tenant and a reason; tenants with the same reason are combined.

    `total` is the number of all tenants, `limit` that of the tenants that are named for each reason.
    """
    for names, reason in _combined(reasons):
        yield named_tenants(names, total, l10n, limit=limit), reason


def named_tenants(names: Sequence[str], total: int, l10n: Localization, *, limit: int = MAX_NAMED) -> str:
    """Return the first names and the number of the others, or only the number if these are all tenants."""
    if limit < len(names) == total:
        return l10n.gettext("all {count} tenants", count=l10n.number(total))
    return l10n.first_of(names, limit)


def _combined(reasons: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (tenants, reason) from pairs of a tenant and a reason.

    Reasons that differ only in names and ids are combined into one, without these.
    """
    groups: dict[str, dict[str, str]] = {}
    for tenant, reason in reasons:
        groups.setdefault(_NAMES.sub("…", reason), {})[tenant] = reason
    for common, reason_of in groups.items():
        distinct = set(reason_of.values())
        yield tuple(reason_of), distinct.pop() if len(distinct) == 1 else common


def _reasons(tenant: TenantResult, l10n: Labels) -> list[str]:
    """Return why a tenant is incomplete: it was not audited, a source was not read, or a policy was not evaluated."""
    if tenant.failure is not None:
        return [l10n.gettext("not audited: {reason}", reason=l10n.translate(tenant.failure))]
    reasons = [l10n.translate(reason) for reason in omissions(tenant.sources, tenant.policies)]
    return reasons if reasons or tenant.complete else [l10n.gettext("the tenant was not read completely")]


def _gaps(sources: tuple[Coverage, ...], l10n: Labels) -> str:
    """Return the sources that were not read completely, by state."""
    titles: dict[str, list[str]] = {}
    for source in sources:
        if source.status in _GAPS:
            titles.setdefault(SOURCE_STATES[source.status], []).append(l10n.gettext(SOURCE_TITLES[source.name]))
    return "; ".join(f"{l10n.joined(names)}: {l10n.gettext(state)}" for state, names in titles.items())
