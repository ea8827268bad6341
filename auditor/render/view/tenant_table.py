"""Builds the rows of the table of tenants: findings, changes, seats and money of each, the worst tenant first."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct

from auditor.domain.enums import Severity
from auditor.domain.result.model import Result, SeatCount, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.text.labels import Labels
from auditor.render.view.model import Page, TenantSection
from auditor.result.aggregate import changes, fleet_compared, summarise
from auditor.result.ranking import by_urgency
from auditor.result.seats import paid_seats


class FleetRow(Struct, frozen=True, kw_only=True):
    """One tenant, the findings across tenants, or the totals."""

    href: str = ""
    """Link to the details, on this page or on the tenant's own page; empty if there are none."""
    name: str = ""
    """The tenant's name in files; empty if the row is not about one tenant."""
    title: str
    """The title of the tenant, of the findings across tenants, or of the totals."""
    failure: bool = False
    """Whether the tenant could not be audited."""
    complete: bool
    open: int
    counts: tuple[tuple[Severity, int], ...]
    """Open findings by severity, without zeros."""
    new: int | None
    """None if there is no earlier run to compare with."""
    fixed: int | None
    assigned: str
    usable: str
    spare: str
    money: str
    """Monthly cost of open findings."""


def fleet_rows(result: Result, page: Page, l10n: Labels, pages: str = "") -> tuple[FleetRow, ...]:
    """Return a row for each tenant, one for policies across tenants, and one for the totals; none for a single tenant.

    `pages` is the folder next to the page that contains the pages of single tenants; empty if there are none.

    Tenants that were not audited come first, then those with the worst findings. Seats of free products are not
    counted: ten thousand spare ones mean nothing. A sum is unknown if one of its numbers is unknown or the products of
    the tenant were not read.
    """
    if len(result.tenants) < 2:
        return ()
    sections = {section.name: section for section in page.sections}
    compared = result.run.previous is not None
    titles = tenant_titles(result.tenants)
    rows = [
        _row(tenant, titles[tenant.name], sections.get(tenant.name), pages, l10n, compared=compared)
        for tenant in by_urgency(result.tenants)
    ]
    seats = [seat for tenant in result.tenants for seat in tenant.seats]
    changed = changes(result.tenants, result.fleet)
    total = FleetRow(
        title=l10n.gettext("All tenants together"),
        failure=False,
        complete=page.complete,
        open=sum(result.summary.open.values()),
        counts=tuple((s, result.summary.open[s]) for s in Severity if result.summary.open.get(s)),
        new=changed.new + changed.reopened if compared else None,
        fixed=changed.fixed if compared else None,
        **_seats(seats, l10n, complete=all(tenant.has_all_products for tenant in result.tenants)),
        money=page.money,
    )
    fleet_section = sections.get("")  # the section of the fleet has no name
    fleet = () if fleet_section is None else (_fleet_row(result, fleet_section, l10n),)
    return (*rows, *fleet, total)


def change_text(row: FleetRow, l10n: Labels) -> str:
    """Return how many findings are new and how many are fixed; empty without an earlier run."""
    if row.new is None or row.fixed is None:
        return ""
    return f"+{l10n.number(row.new)} \N{MINUS SIGN}{l10n.number(row.fixed)}"


def _fleet_row(result: Result, section: TenantSection, l10n: Labels) -> FleetRow:
    """Return the row of the findings across tenants."""
    changed, compared, unknown = changes((), result.fleet), fleet_compared(result), l10n.number(None)
    return FleetRow(
        href=f"#{section.anchor}",
        title=section.title,
        complete=section.complete,
        open=section.open,
        counts=section.counts,
        new=changed.new + changed.reopened if compared else None,
        fixed=changed.fixed if compared else None,
        assigned=unknown,
        usable=unknown,
        spare=unknown,
        money=section.money,
    )


def page_path(tenant: str, folder: str) -> str:
    """Return the relative URL of the page of a single tenant."""
    return f"{folder}/{quote(tenant, safe='', errors='replace')}.html"


def _row(
    tenant: TenantResult, title: str, section: TenantSection | None, pages: str, l10n: Labels, *, compared: bool
) -> FleetRow:
    changed = changes([tenant])
    audited = tenant.failure is None
    open_counts = summarise((tenant,)).open
    page = page_path(tenant.name, pages) if pages else ""
    return FleetRow(
        href=page if section is None else f"#{section.anchor}",
        name=tenant.name,
        title=title,
        failure=not audited,
        complete=tenant.fully_evaluated,
        open=sum(open_counts.values()),
        counts=tuple((s, open_counts[s]) for s in Severity if open_counts.get(s)),
        new=changed.new + changed.reopened if compared and audited else None,
        fixed=changed.fixed if compared and audited else None,
        **_seats(tenant.seats, l10n, complete=tenant.has_all_products),
        money=l10n.sums(tenant.findings.stats.money) if section is None else section.money,
    )


def _seats(seats: Sequence[SeatCount], l10n: Labels, *, complete: bool) -> dict[str, str]:
    paid = paid_seats(seats)
    return {
        "assigned": _sum([seat.consumed for seat in paid], l10n, complete=complete),
        "usable": _sum([seat.usable for seat in paid], l10n, complete=complete),
        "spare": _sum([seat.spare for seat in paid], l10n, complete=complete),
    }


def _sum(numbers: Sequence[int | None], l10n: Labels, *, complete: bool) -> str:
    counts = [number for number in numbers if number is not None]
    return l10n.number(sum(counts)) if complete and len(counts) == len(numbers) else "?"
