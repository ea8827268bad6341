"""A Result into the values of the page."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Final

from auditor.domain.result import Finding, Notice, PolicyHeader, Result, TenantResult
from auditor.domain.words import Severity
from auditor.render.document import TOOL
from auditor.render.matters import matters, steps
from auditor.render.members import OPEN, USER
from auditor.render.over_time import timeline, trends
from auditor.render.past import Past
from auditor.render.rows import ROWS, Context, anchored, group, lines, outcome_row, seat_row, source_row
from auditor.render.totals import (
    Changes,
    Seat,
    added,
    changes,
    freed,
    priced_whole,
    seats,
    summed,
    sums,
    together,
)
from auditor.render.verdict import completeness, verdict
from auditor.render.view import Figure, Group, Page, Section, Tile
from auditor.render.waivers import waiver_rows
from auditor.render.words import SEVERITIES, Words

_LINES: Final = 20
"""Changed findings that a tenant lists."""
_TOGETHER: Final = 1600
"""Rows of a tenant that stand in the page itself, shared out among its policies."""
_MANY: Final = 480
"""The same where there are more findings than that anyway: the table has them all, and the page opens at once."""
_BAR: Final = 300
"""Units of the bar of open findings."""
_THINNEST: Final = 4
_FEWEST: Final = 10
"""Rows that each policy has in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The findings of one policy in one tenant, and the seats that they cost."""

    policy: str
    findings: list[Finding]
    seats: Mapping[Seat, Decimal]


def page(result: Result, words: Words, history: Sequence[Past] = ()) -> Page:
    """Return what the page shows; `history` is the runs before this one, oldest first."""
    headers = {policy.id: policy for policy in result.run.policies}
    parted = [_parted(tenant.findings) for tenant in result.tenants]
    worth = [summed(together(part.seats for part in parts)) for parts in parted]
    total = added((sums(result.fleet.findings), *worth))
    changed = changes(result.tenants, result.fleet)
    sections = [_section(*each, headers, words) for each in zip(result.tenants, parted, worth, strict=True)]
    if result.fleet.policies or result.fleet.findings or result.fleet.notices or result.fleet.fixed:
        sections.append(_fleet(result, headers, words))
    return Page(
        language=words.language,
        wished=words.fallback_from,
        title=words.joined(tenant.display_name or tenant.name for tenant in result.tenants[:3]),
        as_of=result.run.as_of,
        verdict=verdict(result, words),
        complete=result.complete,
        completeness=completeness(result, words),
        previous=result.run.previous,
        changes=_changes(result, changed, words),
        unconfirmed=changed.unconfirmed,
        counts=tuple(
            Tile(
                count=result.summary.open.get(severity, 0),
                label=words.gettext(SEVERITIES[severity]),
                key=severity.value,
            )
            for severity in Severity
        ),
        shares=_shares(result.summary.open),
        waived=result.summary.waived,
        money=words.sums(total),
        figures=figures(result, total, words),
        trends=trends(result, history, words),
        waivers=waiver_rows(result, words),
        lower_bound=not priced_whole(result),
        matters=matters(tuple(sections), words),
        sections=tuple(sections),
        tool=f"{TOOL} {result.run.tool_version}",
        digest=result.run.policy_digest,
        run=result.run.id,
        redacted=result.run.redacted,
        people=_people((result.fleet.findings, *(tenant.findings for tenant in result.tenants))),
    )


def _people(parts: Iterable[Sequence[Finding]]) -> int:
    """Count the people whom findings are about."""
    return len(set().union(*({about.id for each in part if (about := each.subject).type is USER} for part in parts)))


def _shares(counts: Mapping[Severity, int]) -> tuple[tuple[str, int, int], ...]:
    """Return the parts of the bar that open findings make together, none of them too thin to be seen."""
    found = {severity.value: counts[severity] for severity in Severity if counts.get(severity, 0)}
    spare = _BAR - _THINNEST * len(found)
    places = [0, *accumulate(_THINNEST + spare * count // sum(found.values()) for count in found.values())]
    return tuple((key, place, end - place) for key, (place, end) in zip(found, pairwise(places), strict=True))


def figures(result: Result, total: dict[str, Decimal], words: Words) -> tuple[Figure, ...]:
    """Return what open findings stand for a month, and what can be had of it; empty where nothing has a price."""
    found = freed(result)
    told = (
        (
            words.gettext("in open findings"),
            total,
            words.gettext("What is paid for seats that a finding is about."),
        ),
        (
            words.gettext("to reassign now"),
            found.reassign,
            words.gettext("Seats that the actions free: give them to somebody else instead of buying."),
        ),
        (
            words.gettext("to save at renewal"),
            found.reduce,
            words.gettext("Seats that can be given back, at the latest when their subscription is renewed."),
        ),
    )
    if not any(sums for _, sums, _ in told):
        return ()
    return tuple(Figure(label=label, amount=words.sums(sums), note=note) for label, sums, note in told)


def _changes(result: Result, found: Changes, words: Words) -> tuple[Tile, ...]:
    if result.run.previous is None:
        return ()
    return (
        Tile(count=found.new, label=words.of_count("{count} new", found.new), key="new"),
        Tile(count=found.reopened, label=words.of_count("{count} reopened", found.reopened), key="reopened"),
        Tile(count=found.fixed, label=words.of_count("{count} fixed", found.fixed), key="fixed"),
    )


def _section(
    tenant: TenantResult,
    parts: Sequence[_Part],
    worth: dict[str, Decimal],
    headers: dict[str, PolicyHeader],
    words: Words,
) -> Section:
    context = Context.of_tenant(tenant, headers, words)
    changed, more = lines(tenant.findings, tenant.fixed, context, _LINES)
    groups = _groups(parts, context)
    anchors = {each.policy: each.anchor for each in groups}
    counts = _counts(tenant.findings)
    products = sorted(
        (seat_row(each, context) for each in tenant.seats),
        key=lambda row: (row.severity.rank if row.severity is not None else len(Severity), row.name.casefold()),
    )
    facts = (tenant.tenant_id, tenant.cloud.value, words.instant(tenant.as_of))
    return Section(
        anchor=anchored("t", tenant.name),
        name=tenant.name,
        title=tenant.display_name or tenant.name,
        facts=tuple(fact for fact in facts if fact),
        failure=None if tenant.failure is None else words.told(tenant.failure),
        open=sum(count for _, count in counts),
        complete=tenant.complete,
        money=words.sums(worth),
        counts=counts,
        lines=changed,
        more_lines=more,
        steps=steps(tenant.name, tenant.findings, tenant.actions, words),
        seats=tuple(products),
        timeline=timeline(tenant, context),
        groups=groups,
        outcomes=tuple(outcome_row(outcome, context, anchors) for outcome in tenant.policies),
        sources=tuple(source_row(source, words) for source in tenant.sources),
        notices=_told(tenant.notices, words),
    )


def _fleet(result: Result, headers: dict[str, PolicyHeader], words: Words) -> Section:
    context = Context.of_fleet(result, headers, words)
    changed, more = lines(result.fleet.findings, result.fleet.fixed, context, _LINES)
    groups = _groups(_parted(result.fleet.findings), context)
    anchors = {each.policy: each.anchor for each in groups}
    counts = _counts(result.fleet.findings)
    return Section(
        anchor="fleet",
        name="",
        title=words.gettext("All tenants together"),
        facts=(),
        failure=None,
        open=sum(count for _, count in counts),
        complete=True,
        money="",
        counts=counts,
        lines=changed,
        more_lines=more,
        steps=steps("fleet", result.fleet.findings, result.fleet.actions, words),
        seats=(),
        timeline=None,
        groups=groups,
        outcomes=tuple(outcome_row(outcome, context, anchors) for outcome in result.fleet.policies),
        sources=(),
        notices=_told(result.fleet.notices, words),
    )


def _told(notices: tuple[Notice, ...], words: Words) -> tuple[Notice, ...]:
    return tuple(replace(notice, message=words.told(notice.message)) for notice in notices)


def _parted(findings: Iterable[Finding]) -> tuple[_Part, ...]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.policy, []).append(finding)
    return tuple(_Part(policy=policy, findings=mine, seats=seats(mine)) for policy, mine in found.items())


def _groups(parts: Sequence[_Part], context: Context) -> tuple[Group, ...]:
    all_ = sum(len(part.findings) for part in parts)
    rows = min(ROWS, max(_FEWEST, (_TOGETHER if all_ <= _TOGETHER else _MANY) // max(len(parts), 1)))
    groups = [group(part.policy, part.findings, context, summed(part.seats), rows) for part in parts]
    return tuple(sorted(groups, key=lambda each: (not each.open, each.severity.rank, each.policy)))


def _counts(findings: Iterable[Finding]) -> tuple[tuple[Severity, int], ...]:
    found = Counter([id(finding.severity) for finding in findings if finding.status is OPEN])
    return tuple((severity, count) for severity in Severity if (count := found[id(severity)]))
