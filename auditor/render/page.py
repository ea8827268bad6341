"""A Result into the values of the page."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from auditor.domain.result import Finding, Notice, PolicyHeader, Result, TenantResult
from auditor.domain.words import Severity, Status, SubjectType
from auditor.render.document import TOOL
from auditor.render.matters import matters, steps
from auditor.render.over_time import Past, timeline, trends
from auditor.render.rows import ROWS, Context, anchored, group, lines, outcome_row, seat_row, source_row
from auditor.render.totals import all_findings, changes, freed, money, priced_whole
from auditor.render.verdict import completeness, verdict
from auditor.render.view import Figure, Group, Page, Section, Tile
from auditor.render.waivers import waiver_rows
from auditor.render.words import SEVERITIES, Words

_LINES: Final = 20
"""Changed findings that a tenant lists."""
_TOGETHER: Final = 1600
"""Rows of a tenant that stand in the page itself, shared out among its policies."""
_FEWEST: Final = 10
"""Rows that each policy has in any case."""


def page(result: Result, words: Words, history: Sequence[Past] = ()) -> Page:
    """Return what the page shows; `history` is the runs before this one, oldest first."""
    headers = {policy.id: policy for policy in result.run.policies}
    sections = [_section(tenant, headers, words) for tenant in result.tenants]
    if result.fleet.policies or result.fleet.findings or result.fleet.notices:
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
        changes=_changes(result, words),
        unconfirmed=changes(result.tenants, result.fleet).unconfirmed,
        counts=tuple(
            Tile(
                count=result.summary.open.get(severity, 0),
                label=words.gettext(SEVERITIES[severity]),
                key=severity.value,
            )
            for severity in Severity
        ),
        waived=result.summary.waived,
        money=words.sums(money(result)),
        figures=figures(result, words),
        trends=trends(result, history, words),
        waivers=waiver_rows(result, words),
        lower_bound=not priced_whole(result),
        matters=matters(tuple(sections), words),
        sections=tuple(sections),
        tool=f"{TOOL} {result.run.tool_version}",
        digest=result.run.policy_digest,
        run=result.run.id,
        people=len(
            {(finding.subject.id) for finding in all_findings(result) if finding.subject.type is SubjectType.USER}
        ),
    )


def figures(result: Result, words: Words) -> tuple[Figure, ...]:
    """Return what open findings stand for a month, and what can be had of it; empty where nothing has a price."""
    found = freed(result)
    told = (
        (
            words.gettext("in open findings"),
            money(result),
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


def _changes(result: Result, words: Words) -> tuple[Tile, ...]:
    if result.run.previous is None:
        return ()
    found = changes(result.tenants, result.fleet)
    return (
        Tile(count=found.new, label=words.gettext("new"), key="new"),
        Tile(count=found.reopened, label=words.gettext("reopened"), key="reopened"),
        Tile(count=found.fixed, label=words.gettext("fixed"), key="fixed"),
    )


def _section(tenant: TenantResult, headers: dict[str, PolicyHeader], words: Words) -> Section:
    context = Context.of_tenant(tenant, headers, words)
    changed, more = lines(tenant.findings, tenant.fixed, context, _LINES)
    groups = _groups(tenant.findings, context)
    anchors = {each.policy: each.anchor for each in groups}
    seats = sorted(
        (seat_row(seats, context) for seats in tenant.seats),
        key=lambda row: (row.severity.rank if row.severity is not None else len(Severity), row.name.casefold()),
    )
    facts = (tenant.tenant_id, tenant.cloud.value, words.instant(tenant.as_of))
    return Section(
        anchor=anchored("t", tenant.name),
        name=tenant.name,
        title=tenant.display_name or tenant.name,
        facts=tuple(fact for fact in facts if fact),
        failure=None if tenant.failure is None else words.told(tenant.failure),
        open=_open(tenant.findings),
        complete=tenant.complete,
        money=words.sums(money(tenant)),
        counts=_counts(tenant.findings),
        lines=changed,
        more_lines=more,
        steps=steps(tenant, words),
        seats=tuple(seats),
        timeline=timeline(tenant, context),
        groups=groups,
        outcomes=tuple(outcome_row(outcome, context, anchors) for outcome in tenant.policies),
        sources=tuple(source_row(source, words) for source in tenant.sources),
        notices=_told(tenant.notices, words),
    )


def _fleet(result: Result, headers: dict[str, PolicyHeader], words: Words) -> Section:
    context = Context.of_fleet(result, headers, words)
    changed, more = lines(result.fleet.findings, (), context, _LINES)
    groups = _groups(result.fleet.findings, context)
    anchors = {each.policy: each.anchor for each in groups}
    return Section(
        anchor="fleet",
        name="",
        title=words.gettext("All tenants together"),
        facts=(),
        failure=None,
        open=_open(result.fleet.findings),
        complete=True,
        money="",
        counts=_counts(result.fleet.findings),
        lines=changed,
        more_lines=more,
        steps=(),
        seats=(),
        timeline=None,
        groups=groups,
        outcomes=tuple(outcome_row(outcome, context, anchors) for outcome in result.fleet.policies),
        sources=(),
        notices=_told(result.fleet.notices, words),
    )


def _told(notices: tuple[Notice, ...], words: Words) -> tuple[Notice, ...]:
    return tuple(replace(notice, message=words.told(notice.message)) for notice in notices)


def _groups(findings: Iterable[Finding], context: Context) -> tuple[Group, ...]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.policy, []).append(finding)
    rows = min(ROWS, max(_FEWEST, _TOGETHER // max(len(found), 1)))
    groups = [group(policy, mine, context, rows) for policy, mine in found.items()]
    return tuple(sorted(groups, key=lambda each: (not each.open, each.severity.rank, each.policy)))


def _open(findings: Iterable[Finding]) -> int:
    return sum(finding.status is Status.OPEN for finding in findings)


def _counts(findings: Iterable[Finding]) -> tuple[tuple[Severity, int], ...]:
    found = [finding.severity for finding in findings if finding.status is Status.OPEN]
    return tuple((severity, found.count(severity)) for severity in Severity if severity in found)
