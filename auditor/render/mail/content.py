"""Builds the view model of a mail from a Result."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.priority import elsewhere
from auditor.domain.enums import Severity, Status
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.mail.subject import subject_of
from auditor.render.mail.view import ActionLine, MailView, PolicyChanges, Reader, SeatLine, TenantLine, UpcomingDate
from auditor.render.text.evidence.contracts import spare_today
from auditor.render.text.evidence.facts import product_names
from auditor.render.text.labels import CHANGED_FINDINGS, SEVERITIES, VIOLATIONS, Labels
from auditor.render.text.sanitize import is_https, single_line
from auditor.render.text.summary import missing_data
from auditor.render.view.curves import trends
from auditor.render.view.model import Highlight, Page, RankedAction, SeatRow, TenantSection
from auditor.render.view.rows import Context, policy_anchor
from auditor.render.view.seat_chart import WIDTH
from auditor.render.view.timeline import NOTICE, TermDate, contract_dates, reported_dates
from auditor.result.ranking import by_urgency

BAR_WIDTH: Final = 120
"""Width of each seat bar, in pixels."""
RENEWALS: Final = timedelta(days=60)
"""How far ahead the dates of subscriptions and contracts are listed."""
_ENDED: Final = timedelta(days=30)
"""How long an ended contract is still listed."""
_MAX_PLAN: Final = 400
"""Maximum characters of a sentence about a plan."""
_MAX_FACT: Final = 300
"""Characters of a fact about an action, and of the advice about a product; roles of all agreements have up to 240."""
MAX_CAUTION: Final = 900
"""Characters of a warning; the longest one of the guidance, in any language, is shorter."""
_WAIVER_NOTICES: Final = ("waiver.expired", "waiver.expiring")


class LineLimits(Struct, frozen=True, kw_only=True):
    """Maximum number of lines of each kind in a mail."""

    gaps: int = 5
    """Reasons why the audit is incomplete; a fleet can have one for each tenant, before the first action."""
    changed: int = 10
    actions: int = 5
    seats: int = 15
    renewals: int = 10
    tenants: int = 20
    notices: int = 4
    trends: int = 6


def limited_views(
    page: Page, result: Result, reader: Reader, l10n: Labels, limits: Iterable[LineLimits]
) -> Iterator[MailView]:
    """Yield the view model of the mail with each of `limits`; the lists are computed once.

    `result` and `page` must contain only what this reader may see.
    """
    view = _complete_view(page, result, reader, l10n)
    for limit in limits:
        yield _limited(view, limit, l10n)


def _limited(view: MailView, limits: LineLimits, l10n: Labels) -> MailView:
    """Return a complete view with shorter lists."""
    page = view.page
    changed, renewals = _lines(view.changed, limits.changed), _lines(view.renewals, limits.renewals)
    completeness = view.completeness if page.complete else view.completeness[: limits.gaps]
    listed = page.listed_tenants  # the last line can be about policies across tenants
    return replace(
        view,
        completeness=completeness,
        more_gaps=len(view.completeness) - len(completeness),
        changed=view.changed[:changed],
        more_changed=len(view.changed[changed:]),
        actions=view.actions[: limits.actions],
        tenants=view.tenants[:listed][: limits.tenants] + view.tenants[listed:],
        more_tenants=view.more_tenants + max(0, len(view.tenants[:listed]) - limits.tenants),
        seats=view.seats[: limits.seats],
        more_seats=view.more_seats + len(view.seats[limits.seats :]),
        renewals=view.renewals[:renewals],
        more_renewals=len(view.renewals[renewals:]),
        trends=view.trends[: limits.trends],
        exceptions=(*view.exceptions, *_expiring(page, l10n, limits.notices)),
    )


def _complete_view(page: Page, result: Result, reader: Reader, l10n: Labels) -> MailView:
    """Return the view model with complete lists, but without the notices about waivers that expire."""
    several = len(result.tenants) > 1
    changed = [] if result.run.previous is None else list(_changed(result, reader, l10n, several=several))
    seats = [
        _seat_line(row, section, several=several)
        for section in page.sections
        for row in section.seats
        if row.severity is not None
    ]
    verdict = _verdict(page, result, reader, l10n)
    sentences = page.completeness if page.complete else map(": ".join, missing_data(result, l10n))
    all_contracts = not any(_scope(reader, l10n))
    changes = () if page.run.previous is None else page.changes
    news = [l10n.plural(*CHANGED_FINDINGS[tile.key], tile.count) for tile in changes if tile.count]
    return MailView(
        page=page,
        reader=reader,
        subject=subject_of(result, l10n, complete=page.complete, weekly=reader.weekly),
        who=single_line(page.title),
        preview=f"{verdict} {l10n.joined(news)}".rstrip(),
        verdict=verdict,
        plan=tuple(single_line(line, _MAX_PLAN) for line in page.plan),
        scope=l10n.joined(_scope(reader, l10n)),
        shared=any(action.shared and action.money for tenant in result.tenants for action in tenant.actions),
        completeness=tuple(single_line(sentence, 400) for sentence in sentences),
        more_gaps=0,
        changed=tuple(changed),
        more_changed=0,
        actions=tuple(_actions(page, reader, l10n)),
        tenants=tuple(_tenant_line(section, reader, l10n) for section in page.sections if several),
        more_tenants=page.tenants - page.listed_tenants,
        seats=tuple(sorted(seats, key=lambda line: line.severity.rank)),
        more_seats=_outside_in_other_tenants(result, page, l10n),
        renewals=tuple(_renewals(result, l10n, several=several, all_contracts=all_contracts)),
        more_renewals=0,
        money=tuple((figure.label, l10n.sums(figure.amounts)) for figure in page.figures if figure.amounts),
        trends=trends(result, reader.history, l10n),
        exceptions=tuple(_exceptions(page, l10n)),
        run=single_line(page.run.id),
    )


def _lines(items: Sequence[object], limit: int) -> int:
    """Return how many items to list; a single item more takes the line that would say so."""
    return limit if len(items) > limit + 1 else len(items)


def _scope(reader: Reader, l10n: Labels) -> Iterator[str]:
    yield from (l10n.gettext(SEVERITIES[severity]) for severity in sorted(reader.severities, key=lambda s: s.rank))
    yield from map(single_line, (*reader.owners, *reader.tags))


def _verdict(page: Page, result: Result, reader: Reader, l10n: Labels) -> str:
    if any(_scope(reader, l10n)) and page.complete and not any(result.summary.open.values()):
        return l10n.gettext("There are no open findings among those that you receive.")
    return page.verdict


def _changed(result: Result, reader: Reader, l10n: Labels, *, several: bool) -> Iterator[PolicyChanges]:
    """Yield a line for each kind of change and policy; people are only named in the report, not in a mail.

    A line names the tenant with most of the findings, and in how many others there are some.
    """
    titles = result.run.policy_titles
    tenants = {name: single_line(title) for name, title in tenant_titles(result.tenants).items()}
    severities = list(Severity)
    for key, rank, policy, by_tenant in _change_counts(result):
        (name, _), *others = by_tenant.most_common()
        tenant = tenants.get(name, l10n.gettext("Policies across tenants"))
        yield PolicyChanges(
            key=key,
            summary=l10n.plural(*CHANGED_FINDINGS[key], by_tenant.total()),
            title=l10n.plural(*VIOLATIONS, by_tenant.total(), title=single_line(titles.get(policy, policy))),
            severity=severities[rank],
            tenant=l10n.joined(filter(None, (tenant, elsewhere(l10n, len(others))))) if several else "",
            href="" if key == "fixed" else _link(reader, policy_anchor(name, policy)),
        )


def _change_counts(result: Result) -> Iterator[tuple[str, int, str, Counter[str]]]:
    """Yield the kinds of change with the rank of the severity, the policy, and the number of findings by tenant.

    The worst severity comes first, and then the policy with most findings.
    """
    counts: dict[str, dict[tuple[int, str], Counter[str]]] = {
        key: defaultdict(Counter) for key in ("reopened", "new", "fixed")
    }
    parts: list[tuple[str, TenantResult | FleetResult]] = [(part.name, part) for part in by_urgency(result.tenants)]
    for name, part in (*parts, ("", result.fleet)):
        for policy, stats in part.findings.stats.policies.items():
            counts["reopened"][stats.severity.rank, policy][name] = stats.reopened
            counts["new"][stats.severity.rank, policy][name] = stats.new
        for finding in part.fixed:
            counts["fixed"][finding.severity.rank, finding.policy][name] += finding.status is Status.OPEN
    for key, by_policy in counts.items():
        for (rank, policy), by_tenant in sorted(by_policy.items(), key=lambda i: (i[0][0], -i[1].total(), i[0][1])):
            if found := +by_tenant:
                yield key, rank, policy, found


def _link(reader: Reader, anchor: str) -> str:
    return f"{reader.link}#{anchor}" if reader.link and reader.anchors else ""


def _actions(page: Page, reader: Reader, l10n: Labels) -> Iterator[ActionLine]:
    """Yield the highlights; a warning that several have in common, such as an unknown agreement, is included once."""
    entries = {entry.anchor: entry for section in page.sections for entry in section.actions}
    seen: set[str] = set()
    for highlight in page.highlights:
        entry = entries.get(highlight.anchor)
        caution = next((text for text in entry.action.warnings if text not in seen), "") if entry is not None else ""
        seen.add(caution)
        links = entry.action.links if entry is not None else ()
        yield ActionLine(
            title=single_line(highlight.title, 200),
            severity=highlight.severity,
            facts=tuple(_facts(highlight, entry, l10n)),
            why=single_line(" ".join(filter(None, (highlight.why, highlight.note))), 400),
            caution=single_line(caution, MAX_CAUTION),
            first=single_line(highlight.first, 300),
            steps=len(entry.action.steps) if entry is not None else 1,
            next=single_line(next(iter(entry.action.next), ""), 200) if entry is not None else "",
            href=_link(reader, highlight.anchor),
            document=next(((single_line(link.label), link.address) for link in links if is_https(link.address)), None),
        )


def _facts(highlight: Highlight, entry: RankedAction | None, l10n: Labels) -> Iterator[str]:
    count = l10n.plural("{count} finding", "{count} findings", highlight.count)
    who = highlight.who if entry is None else entry.action.owner or entry.action.role
    facts = (highlight.money, highlight.due, highlight.tenant, count, highlight.elsewhere, who)
    yield from (single_line(fact, _MAX_FACT) for fact in facts if fact)


def _outside_in_other_tenants(result: Result, page: Page, l10n: Labels) -> int:
    """Count the products outside their limits in tenants that the page does not show."""
    names = {section.name for section in page.sections}
    count = 0
    for tenant in result.tenants:
        if tenant.name not in names:
            context = Context.of_tenant(tenant, {}, l10n, findings=tenant.findings.of_checks("seats."))
            count += sum(seats.sku_id.casefold() in context.about_seats for seats in tenant.seats)
    return count


def _seat_line(row: SeatRow, section: TenantSection, *, several: bool) -> SeatLine:
    bar = None
    if row.seat_bar is not None:
        assigned, over = (round(part * BAR_WIDTH / WIDTH) for part in (row.seat_bar.assigned, row.seat_bar.over))
        bar = (assigned, BAR_WIDTH - assigned - over, over)
    return SeatLine(
        name=single_line(row.name, 80),
        tenant=single_line(section.title, 60) if several else "",
        figures=f"{row.consumed} / {row.usable}",
        spare=row.spare_text,
        state=row.state,
        advice=single_line("; ".join(part for part in (row.advice, row.limits) if part), _MAX_FACT),
        severity=row.severity or Severity.INFO,
        bar=bar,
    )


def _tenant_line(section: TenantSection, reader: Reader, l10n: Labels) -> TenantLine:
    if section.failure is not None:
        text, key = l10n.gettext("not audited"), "failed"
    else:
        counts = [
            l10n.plural("{count} open", "{count} open", section.open) if section.open else l10n.gettext("nothing open")
        ]
        counts += [f"{l10n.number(count)} {l10n.severity_name(key, count)}" for key, count in section.counts[:2]]
        counts += [] if section.complete else [l10n.gettext("incomplete")]
        counts += [l10n.gettext("{money} a month", money=section.money)] if section.money else []
        text = l10n.joined(counts)
        key = "gaps" if not section.complete else "open" if section.open else "good"
    return TenantLine(name=single_line(section.title, 60), summary=text, key=key, href=_link(reader, section.anchor))


def _renewals(result: Result, l10n: Labels, *, several: bool, all_contracts: bool) -> list[UpcomingDate]:
    """Return the upcoming dates of subscriptions with open findings, and of contracts.

    With `all_contracts` all contracts are included, else those that open findings name.
    """
    renewals: list[tuple[datetime, UpcomingDate]] = []
    today = result.run.as_of.astimezone(UTC).date()
    titles = tenant_titles(result.tenants)
    for tenant in result.tenants:
        named = None if all_contracts else _named_contracts(tenant)
        contracts = (
            entry for entry in contract_dates(tenant, (), today, l10n) if named is None or entry.key[1] in named
        )
        findings = tenant.findings.of_checks("subscription.")
        subscriptions = reported_dates(tenant, findings, product_names(tenant), today, l10n).values()
        for entry in (
            *(entry for entry in contracts if _is_near(entry, today)),
            *(entry for entry in subscriptions if entry.occurs_at <= result.run.as_of + RENEWALS),
        ):
            spare = [spare_today(entry.spare, l10n)] if entry.spare is not None and entry.spare > 0 else []
            line = UpcomingDate(
                name=single_line(entry.name, 80),
                tenant=single_line(titles[tenant.name], 60) if several else "",
                date=l10n.date(entry.occurs_at),
                consequence=entry.consequence,
                summary=l10n.joined(filter(None, (entry.label, l10n.subscription(entry.status), *entry.seats, *spare))),
            )
            renewals.append((entry.occurs_at, line))
    return [line for _, line in sorted(renewals, key=lambda item: (item[0], item[1].name))]


def _named_contracts(tenant: TenantResult) -> set[str]:
    """Return the ids of the contracts that open findings name."""
    return {
        name
        for finding in tenant.findings.of_checks("contract.")
        if finding.status is Status.OPEN
        for name in (finding.detail, *(finding.evidence.get("contracts") or ()))
        if name
    }


def _is_near(entry: TermDate, today: date) -> bool:
    """Return whether a date of a contract is listed: in the next 60 days, or for its end, in the last 30 days."""
    earliest = timedelta() if entry.key[0] == NOTICE else -_ENDED
    return earliest <= entry.occurs_at.date() - today <= RENEWALS


def _exceptions(page: Page, l10n: Labels) -> Iterator[str]:
    in_force = sum(row.key not in {"expired", "elsewhere"} for row in page.waivers)
    if in_force:
        yield l10n.plural("{count} waiver in force", "{count} waivers in force", in_force)
    if page.summary.waived:
        yield l10n.plural("{count} finding waived", "{count} findings waived", page.summary.waived)
    if page.summary.report_only:
        yield l10n.plural(
            "{count} finding of report-only policies (not counted)",
            "{count} findings of report-only policies (not counted)",
            page.summary.report_only,
        )
    unused = len(
        {notice.subject for section in page.sections for notice in section.notices if notice.code == "waiver.unused"}
    )
    if unused:
        yield l10n.plural("{count} waiver matches no finding", "{count} waivers match no finding", unused)


def _expiring(page: Page, l10n: Labels, limit: int) -> Iterator[str]:
    """Yield the notices about waivers that expire or have expired, and how many are left out."""
    notices = [notice for section in page.sections for notice in section.notices]
    expiring = list(
        dict.fromkeys(
            single_line(notice.message, 240) for code in _WAIVER_NOTICES for notice in notices if notice.code == code
        )
    )
    yield from expiring[:limit]
    if len(expiring) > limit:
        yield l10n.more(len(expiring) - limit)
