"""A Result into the values of the page."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from auditor.domain.result import Finding, Notice, PolicyHeader, Result, TenantResult
from auditor.domain.words import Severity, Status, SubjectType
from auditor.render.document import TOOL
from auditor.render.matters import matters, steps
from auditor.render.rows import Context, anchored, group, lines, outcome_row, seat_row, source_row
from auditor.render.totals import all_findings, changes, money, priced_whole
from auditor.render.verdict import completeness, verdict
from auditor.render.view import Group, Page, Section, Tile
from auditor.render.words import SEVERITIES, Words

_LINES: Final = 20
"""Changed findings that a tenant lists."""


def page(result: Result, words: Words) -> Page:
    """Return what the page shows."""
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
    changed = lines(tenant.findings, tenant.fixed, context)
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
        lines=changed[:_LINES],
        more_lines=max(len(changed) - _LINES, 0),
        steps=steps(tenant, words),
        seats=tuple(seats),
        groups=groups,
        outcomes=tuple(outcome_row(outcome, context, anchors) for outcome in tenant.policies),
        sources=tuple(source_row(source, words) for source in tenant.sources),
        notices=_told(tenant.notices, words),
    )


def _fleet(result: Result, headers: dict[str, PolicyHeader], words: Words) -> Section:
    context = Context.of_fleet(result, headers, words)
    changed = lines(result.fleet.findings, (), context)
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
        lines=changed[:_LINES],
        more_lines=max(len(changed) - _LINES, 0),
        steps=(),
        seats=(),
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
    groups = [group(policy, mine, context) for policy, mine in found.items()]
    return tuple(sorted(groups, key=lambda each: (not each.open, each.severity.rank, each.policy)))


def _open(findings: Iterable[Finding]) -> int:
    return sum(finding.status is Status.OPEN for finding in findings)


def _counts(findings: Iterable[Finding]) -> tuple[tuple[Severity, int], ...]:
    found = [finding.severity for finding in findings if finding.status is Status.OPEN]
    return tuple((severity, found.count(severity)) for severity in Severity if severity in found)
