"""Several tenants into the rows of one table: worst first, what changed, what is spare, and who was not audited."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.result.model import FleetResult, Result, SeatCount, TenantResult
from auditor.render.html.view import Page, Section
from auditor.render.text.labels import Labels
from auditor.result.aggregate import changes, summarise
from auditor.result.ranking import WORST, Standing, standing
from auditor.result.seats import paid_seats


class FleetRow(Struct, frozen=True, kw_only=True):
    """One tenant, or all of them together."""

    href: str
    """Where more is said, on this page or on one of its own; empty where nothing is."""
    name: str
    """The tenant's name in files; empty where it is not one tenant."""
    title: str
    """What people call it: with the name before it where several tenants are called the same."""
    failure: bool
    complete: bool
    open: int
    counts: tuple[tuple[Severity, int], ...]
    """Open findings of the severities that there are."""
    new: int | None
    """None where there is no earlier run to compare with."""
    fixed: int | None
    assigned: str
    usable: str
    spare: str
    money: str
    """What open findings stand for a month."""


def fleet_rows(result: Result, page: Page, l10n: Labels, pages: str = "") -> tuple[FleetRow, ...]:
    """Return a row for every tenant, one for policies across tenants, and one for all; nothing for a single tenant.

    `pages` is the folder, beside the page, in which each tenant has a page of its own; empty where they have none.

    Tenants that were not audited come first, since nothing is known of them; then those with the worst findings. Seats
    of products that cost nothing are left out: ten thousand spare ones say nothing. Where a number of a tenant's
    product is not known, or its products were not read, neither is the sum.
    """
    if len(result.tenants) < 2:
        return ()
    sections = {section.name: section for section in page.sections}
    compared = result.run.previous is not None
    tenant_rows = [
        (tenant, _row(tenant, sections.get(tenant.name), l10n, compared=compared)) for tenant in result.tenants
    ]
    if pages:
        tenant_rows = [
            (tenant, row if row.href else replace(row, href=_own(tenant, pages))) for tenant, row in tenant_rows
        ]
    rows = [row for _, row in sorted(tenant_rows, key=lambda each: _standing(*each))]
    names = Counter(row.title for row in rows)
    rows = [replace(row, title=f"{row.name} ({row.title})") if names[row.title] > 1 else row for row in rows]
    seats = [seat for tenant in result.tenants for seat in tenant.seats]
    changed = changes(result.tenants, result.fleet)
    total = FleetRow(
        href="",
        name="",
        title=l10n.gettext("All tenants together"),
        failure=False,
        complete=page.complete,
        open=sum(result.summary.open.values()),
        counts=tuple((s, result.summary.open[s]) for s in WORST if result.summary.open.get(s)),
        new=changed.new + changed.reopened if compared else None,
        fixed=changed.fixed if compared else None,
        **_seats(seats, l10n, whole=all(tenant.products_whole for tenant in result.tenants)),
        money=page.money,
    )
    between = sections.get("")  # the section of the fleet has no name
    across = () if between is None else (_across(result.fleet, between, l10n, compared=compared),)
    return (*rows, *across, total)


def _across(fleet: FleetResult, section: Section, l10n: Labels, *, compared: bool) -> FleetRow:
    """Return the row of the findings over all tenants together."""
    changed, none = changes((), fleet), l10n.number(None)
    return FleetRow(
        href=f"#{section.anchor}",
        name="",
        title=section.title,
        failure=False,
        complete=section.complete,
        open=section.open,
        counts=section.counts,
        new=changed.new + changed.reopened if compared else None,
        fixed=changed.fixed if compared else None,
        assigned=none,
        usable=none,
        spare=none,
        money=section.money,
    )


def _own(tenant: TenantResult, pages: str) -> str:
    return f"{pages}/{quote(tenant.name, safe='', errors='replace')}.html"


def worst_first(section: Section) -> Standing:
    """Return what sorts the worst tenant to the front."""
    return standing(
        failed=section.failure is not None,
        counts=dict(section.counts),
        complete=section.complete,
        name=section.name,
    )


def _standing(tenant: TenantResult, row: FleetRow) -> Standing:
    return standing(failed=row.failure, counts=dict(row.counts), complete=row.complete, name=tenant.name)


def _row(tenant: TenantResult, section: Section | None, l10n: Labels, *, compared: bool) -> FleetRow:
    changed = changes([tenant])
    audited = tenant.failure is None
    open_ = summarise((tenant,)).open
    counts = tuple((s, open_[s]) for s in WORST if open_.get(s))
    return FleetRow(
        href="" if section is None else f"#{section.anchor}",
        name=tenant.name,
        title=tenant.display_name or tenant.name,
        failure=not audited,
        complete=tenant.complete,
        open=sum(open_.values()),
        counts=counts,
        new=changed.new + changed.reopened if compared and audited else None,
        fixed=changed.fixed if compared and audited else None,
        **_seats(tenant.seats, l10n, whole=tenant.products_whole),
        money=l10n.sums(tenant.findings.stats.money) if section is None else section.money,
    )


def _seats(seats: Sequence[SeatCount], l10n: Labels, *, whole: bool) -> dict[str, str]:
    paid = paid_seats(seats)
    return {
        "assigned": _sum([seat.consumed for seat in paid], l10n, whole=whole),
        "usable": _sum([seat.usable for seat in paid], l10n, whole=whole),
        "spare": _sum([seat.spare for seat in paid], l10n, whole=whole),
    }


def _sum(numbers: Sequence[int | None], l10n: Labels, *, whole: bool) -> str:
    counts = [number for number in numbers if number is not None]
    return l10n.number(sum(counts)) if whole and len(counts) == len(numbers) else "?"
