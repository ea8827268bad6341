"""Builds the view model of the page from a Result."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import accumulate, chain, pairwise
from typing import Final

from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.translation import capitalized
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.text.figures import money_figures
from auditor.render.text.guidance import oldest
from auditor.render.text.labels import COUNTED_CHANGES, Labels
from auditor.render.text.sanitize import is_https, shortened
from auditor.render.text.summary import MAX_NAMED, completeness, unknown_names, verdict
from auditor.render.text.verification import plan_lines
from auditor.render.text.waivers import waiver_rows
from auditor.render.view.actions import highlights, ranked_actions
from auditor.render.view.curves import trends
from auditor.render.view.finding_index import FindingIndex, PolicyFindings, finding_indexes
from auditor.render.view.model import OutcomeRow, Page, PolicyGroup, TenantSection, Tile
from auditor.render.view.rows import (
    ROWS,
    anchor,
    change_lines,
    policy_anchor,
    problem,
    row,
    seat_row,
)
from auditor.render.view.timeline import timeline
from auditor.render.view.usage import coverage_lines, smaller_products, unit_tables, usage_table
from auditor.result.aggregate import all_prices_known, changes
from auditor.result.aggregate import money as money_of
from auditor.result.codec.encoder import TOOL
from auditor.result.ranking import most_urgent_tenants
from auditor.result.seats import free_part_numbers
from auditor.result.unevaluated_policies import known_findings

_MAX_CHANGES: Final = 20
"""Changed findings that are listed per tenant."""
_ROW_BUDGET: Final = 80
"""Rows on a long page that a tenant's policies share; the table of findings has the others."""
_BAR_WIDTH: Final = 300
"""Units of the bar of open findings."""
_MIN_SHARE: Final = 4
"""Units of the shortest part of the bar, so that it stays visible."""
_MIN_ROWS: Final = 3
"""Rows that each policy has at least."""


def page(
    result: Result, l10n: Labels, history: Sequence[EarlierRun] = (), indexes: Sequence[FindingIndex] | None = None
) -> Page:
    """Return the view model of the page; `history` contains the earlier runs, oldest first.

    `indexes` is the return value of `finding_indexes` if already computed.
    """
    indexes = finding_indexes(result, l10n) if indexes is None else indexes
    titles = tenant_titles(result.tenants)
    sections = _sections(result, titles, indexes, l10n)
    total = money_of(result)
    changed = changes(result.tenants, result.fleet)
    return Page(
        language=l10n.locale,
        requested_language=l10n.fallback_from,
        title=_title(titles, l10n),
        run=result.run,
        summary=result.summary,
        verdict=verdict(result, l10n),
        plan=plan_lines(result, l10n),
        unknown_names=unknown_names(result, l10n),
        complete=result.complete,
        completeness=completeness(result, l10n),
        changes=()
        if result.run.previous is None
        else tuple(
            Tile(count=getattr(changed, key), label=l10n.plural_form(form, getattr(changed, key)), key=key)
            for key, (form, _) in COUNTED_CHANGES.items()
        ),
        unconfirmed=changed.unconfirmed,
        counts=_counts(result, l10n),
        shares=_shares(result.summary.open),
        money=l10n.sums(total),
        figures=money_figures(result, total, l10n),
        trends=trends(result, history, l10n),
        waivers=waiver_rows(result, l10n),
        lower_bound=not all_prices_known(result),
        highlights=highlights(
            list(zip(sections, indexes, strict=False)), result.run.as_of, l10n, tenants=len(result.tenants)
        ),
        checked=oldest(entry.action for section in sections for entry in section.actions),
        sections=tuple(sections),
        listed_tenants=len(indexes) - 1,  # without the fleet
        tenants=len(result.tenants),
        tool=f"{TOOL} {result.run.tool_version}",
        people=sum(tenant.findings.stats.people for tenant in result.tenants),
    )


def _title(titles: Mapping[str, str], l10n: Labels) -> str:
    if len(titles) > MAX_NAMED:
        return l10n.plural("{count} tenant", "{count} tenants", len(titles))
    return ", ".join(titles.values())


def _sections(
    result: Result, titles: Mapping[str, str], indexes: Sequence[FindingIndex], l10n: Labels
) -> list[TenantSection]:
    """Return the section of each listed tenant, and that of the fleet if it has content, in the order of `indexes`.

    Policies that compare tenants find nothing in a run with one tenant; its section lists them.
    """
    *tenants, index = indexes
    as_of = result.run.as_of
    sections = [
        _section(tenant, titles[tenant.name], index, as_of, l10n)
        for tenant, index in zip(most_urgent_tenants(result), tenants, strict=True)
    ]
    fleet = _common_section(result.fleet, index, as_of, l10n, name="", title=l10n.gettext("Policies across tenants"))
    if len(sections) == 1 and not fleet.groups and not fleet.changes:
        (only,) = sections
        return [replace(only, outcomes=only.outcomes + fleet.outcomes, notices=only.notices + fleet.notices)]
    if fleet.outcomes or fleet.groups or fleet.notices or fleet.changes:
        sections.append(fleet)
    return sections


def _counts(result: Result, l10n: Labels) -> tuple[Tile, ...]:
    """Return the number of open findings of each severity; not known if no tenant was audited."""
    unknown = result.nothing_audited
    counts = [(severity, result.summary.open.get(severity, 0)) for severity in Severity]
    return tuple(
        Tile(count=None if unknown else count, label=l10n.severity_name(severity, count), key=severity.value)
        for severity, count in counts
    )


def _shares(counts: Mapping[Severity, int]) -> tuple[tuple[str, int, int], ...]:
    """Return the parts of the stacked bar of open findings; each has a minimum length to stay visible."""
    present = {severity.value: counts[severity] for severity in Severity if counts.get(severity, 0)}
    spare = _BAR_WIDTH - _MIN_SHARE * len(present)
    edges = [0, *accumulate(_MIN_SHARE + spare * count // sum(present.values()) for count in present.values())]
    return tuple((key, start, end - start) for key, (start, end) in zip(present, pairwise(edges), strict=True))


def _section(tenant: TenantResult, title: str, index: FindingIndex, as_of: datetime, l10n: Labels) -> TenantSection:
    context = index.context
    free = free_part_numbers()
    ordered = sorted(
        ((seats, seat_row(seats, context)) for seats in tenant.seats),
        key=lambda item: (
            item[1].severity.rank if item[1].severity is not None else len(Severity),
            item[0].usable == item[0].consumed == 0,  # products that the tenant no longer has
            item[1].part_number.casefold() in free,  # free products last: their number of seats can be a million
            item[1].name.casefold(),
        ),
    )
    facts = (tenant.tenant_id, tenant.cloud.value, l10n.instant(tenant.as_of))
    return replace(
        _common_section(tenant, index, as_of, l10n, name=tenant.name, title=title),
        facts=tuple(fact for fact in facts if fact),
        failure=None if tenant.failure is None else l10n.translate(tenant.failure),
        money=l10n.sums(index.stats.money),
        seats=tuple(row for _, row in ordered),
        usage=usage_table(tenant, l10n),
        units=unit_tables(tenant, l10n),
        smaller=smaller_products(tenant, l10n),
        coverage=coverage_lines(tenant, context.headers, l10n),
        timeline=timeline(tenant, context, index.findings, as_of),
        sources=tenant.sources,
    )


def _common_section(
    part: TenantResult | FleetResult, index: FindingIndex, as_of: datetime, l10n: Labels, *, name: str, title: str
) -> TenantSection:
    """Return the fields that sections of tenants and of the fleet share; the name of the fleet is empty."""
    changed, more_changes = change_lines(index.changed(), part.fixed, index.context, _MAX_CHANGES)
    groups, counts = _groups(index), index.counts()
    anchors = {group.policy: group.anchor for group in groups}
    return TenantSection(
        anchor=anchor("t", name) if name else "fleet",
        name=name,
        title=title,
        open=sum(count for _, count in counts),
        complete=part.fully_evaluated,
        counts=counts,
        changes=changed,
        more_changes=more_changes,
        actions=ranked_actions(name or "fleet", index, as_of, l10n),
        more_actions=index.more_actions,
        groups=groups,
        outcomes=tuple(
            OutcomeRow(
                outcome=outcome,
                title=index.context.policy_title(outcome.id),
                rationale=index.context.header(outcome.id).rationale,
                findings=known_findings(outcome),
                anchor=anchors.get(outcome.id),
            )
            for outcome in part.policies
        ),
        notices=tuple(
            replace(notice, message=Message(capitalized(l10n.translate(notice.message), l10n.locale)))
            for notice in part.notices
        ),
    )


def _groups(index: FindingIndex) -> tuple[PolicyGroup, ...]:
    """Return the findings grouped by policy: policies with open findings first, then by severity."""
    parts = index.by_policy()
    limit = max(_MIN_ROWS, _ROW_BUDGET // max(len(parts), 1)) if index.long else ROWS
    listed = [part.first(index, limit) for part in parts]
    # One pass over the findings of the actions shows, for all policies, which listed findings an action resolves.
    fingerprints = {finding.fingerprint for findings in listed for finding in findings}
    resolved = fingerprints.intersection(map(index.fingerprints.__getitem__, chain.from_iterable(index.action_rows)))
    groups = [_group(part, index, first, resolved) for part, first in zip(parts, listed, strict=True)]
    return tuple(sorted(groups, key=lambda group: (not group.open, group.severity.rank, group.policy)))


def _group(
    part: PolicyFindings, index: FindingIndex, listed: Sequence[Finding], resolved: AbstractSet[str]
) -> PolicyGroup:
    """Return the findings of one policy; those in `listed` become rows."""
    context, stats = index.context, part.stats
    header = context.header(part.policy)
    first = index.findings[part.rows[0]]
    money = context.l10n.sums(stats.money)
    return PolicyGroup(
        anchor=policy_anchor(context.prefix, part.policy),
        policy=part.policy,
        title=header.title or part.policy,
        severity=stats.severity,
        rationale=header.rationale,
        owner=header.owner,
        frameworks=header.frameworks or (),
        references=tuple((page.title, page.url if is_https(page.url) else "") for page in header.references or ()),
        source=f"{first.source.file}:{first.source.line}",
        open=stats.open,
        waived=stats.waived,
        report_only=stats.report_only,
        new=stats.new + stats.reopened,
        money=context.l10n.gettext("{money} a month", money=money) if money else "",
        common_problem=_common_problem(part, index),
        rows=tuple(row(finding, context) for finding in listed),
        more=stats.found - len(listed),
        more_than_listed=stats.found - len(part.rows),
        # Actions that are not listed may resolve one of the findings, too.
        has_action=index.more_actions > 0 or not resolved.isdisjoint(finding.fingerprint for finding in listed),
    )


def _common_problem(part: PolicyFindings, index: FindingIndex) -> str:
    """Return what is wrong, if it is the same for several findings; empty if they differ or not all are indexed."""
    if part.stats.found == 1 or part.stats.found > len(part.rows):
        return ""
    codes = set(map(index.statement_codes.__getitem__, part.rows))
    problems = {shortened(problem(index.statements[code], index.context)) for code in codes}
    return problems.pop() if len(problems) == 1 else ""
