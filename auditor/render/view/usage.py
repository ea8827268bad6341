"""The page's tables of usage and cost, and lines about smaller products and people who need a seat."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.money import Money, total
from auditor.domain.result.model import PolicyHeader, TenantResult
from auditor.domain.result.seat_usage import (
    DepartmentReport,
    ProductUsage,
    SeatCoverage,
    SmallerProductCount,
    UnassignedSeats,
    UnitUsage,
)
from auditor.domain.translation import N_, NN_
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened
from auditor.result.seats import unit_sum, whole

WIDTH: Final = 240
"""Width of a bar, in units of its view box."""
_SUMMARY_PRODUCTS: Final = 5
"""Products that a short report names."""
_SUMMARY_UNITS: Final = 3
"""Departments, or cost centres, that a short report names."""
_MAX_PRODUCTS: Final = 40
"""Rows of the table of products; the workbook and result.json have all of them."""
_MAX_UNFOLDED: Final = 10
"""Rows of the table of products that are not collapsed."""
_MAX_UNITS: Final = 25
"""Rows of a table of departments or the like; the workbook and result.json have all of them."""
_UNFOLDED_UNITS: Final = (5, 10)
"""Rows that are not collapsed: of the first such table, and of the others, which are collapsed themselves."""


class UsageRow(Struct, frozen=True, kw_only=True, eq=False):
    """The usage of one product."""

    name: str
    product: ProductUsage
    unknown: str
    """How many seats have unknown usage; empty if none, or if the reports do not cover the product."""
    bar: tuple[int, int, int] | None
    """Ends of the three parts: used in 30 days, used in 90 days, idle; None if not known."""
    summary: str
    """The product in one line; empty if it has no idle seats."""


class UsageTable(Struct, frozen=True, kw_only=True, eq=False):
    """Assigned products, those with the costliest idle seats first."""

    headline: str
    days: str
    """The last day of the reports, from which days are counted back."""
    rows: tuple[UsageRow, ...]
    unfolded: int
    """Number of rows that are not collapsed: products whose usage is known, because Microsoft's reports cover them."""
    more: int


class UnitRow(Struct, frozen=True, kw_only=True, eq=False):
    """One department, cost centre or the like."""

    name: str
    unit: UnitUsage
    """Without a name if it is not a department: people without one, several small ones, spare seats."""
    people: int | None
    """None for spare seats."""
    unknown: str
    """How many seats have unknown usage; empty if none, or if no report was read."""
    summary: str
    """The row in one line."""


class UnitTable(Struct, frozen=True, kw_only=True, eq=False):
    """Departments, cost centres or the like, the costliest first."""

    key: str
    title: str
    head: str
    used: bool
    """Whether the usage is known."""
    priced: bool
    lower_bound: bool
    excess: str
    """How many assigned seats exceed the usable ones, in words; empty if none."""
    rows: tuple[UnitRow, ...]
    unfolded: int
    """Number of rows that are not collapsed."""
    rest: UnitRow | None
    """The sums of all units after these; None if there are none."""
    others: tuple[UnitRow, ...]
    """People without a value, several small units, spare seats, and the total."""
    more: int

    @property
    def entry(self) -> tuple[str, str, bool]:
        """The entry in the table of contents: key, title, and that it has content."""
        return self.key, self.title, True


def usage_table(tenant: TenantResult, l10n: Labels) -> UsageTable | None:
    """Return the usage of products; None if no usage report was read."""
    usage = tenant.usage
    if usage is None or not usage.products:
        return None
    days = sorted({day for day in (usage.refresh_date, usage.copilot_refresh_date) if day is not None})
    rows = [_usage_row(product, l10n) for product in usage.products[:_MAX_PRODUCTS]]
    covered = sum(row.bar is not None for row in rows)
    return UsageTable(
        headline=_headline(usage.products, l10n),
        days=" / ".join(map(l10n.date, days)),
        rows=tuple(rows),
        unfolded=min(covered if covered and len(rows) > covered + 2 else len(rows), _MAX_UNFOLDED),
        more=len(usage.products) - len(rows),
    )


def idle_lines(table: UsageTable | None) -> tuple[str, ...]:
    """Return one line for each of the products with the costliest idle seats."""
    return () if table is None else tuple(row.summary for row in table.rows if row.summary)[:_SUMMARY_PRODUCTS]


def unit_lines(tables: Sequence[UnitTable], l10n: Labels) -> tuple[str, ...]:
    """Return lines for the costliest units of the first table, the others, spare seats, and seats beyond the usable."""
    first, (*others, _) = tables[0], tables[0].others
    more = max(len(first.rows) - _SUMMARY_UNITS, 0) + first.more
    omitted = (l10n.more_in_reports(more),) if more else ()
    rows = first.rows[:_SUMMARY_UNITS]
    summaries = (*(row.summary for row in rows), *omitted, *(row.summary for row in others[-2:]))
    return (*summaries, first.excess) if first.excess else summaries


def unit_tables(tenant: TenantResult, l10n: Labels) -> tuple[UnitTable, ...]:
    """Return the tables by cost centre, department, division and company; a table is left out if nobody has a value.

    The tables of divisions and companies are also left out if there is only one: its row would repeat the totals.
    """
    report = tenant.departments
    if report is None:
        return ()
    excess = _excess(tenant, l10n)
    return tuple(_unit_table(name, report, excess, min(number, 1), l10n) for number, name in enumerate(_units(report)))


def has_units(tenant: TenantResult) -> bool:
    """Return whether there are tables by cost centre, department, division or company."""
    return tenant.departments is not None and any(_units(tenant.departments))


def _units(report: DepartmentReport) -> Iterator[str]:
    """Yield the properties with tables."""
    for name, units in report.by_property.items():
        if sum(unit.name is not None or unit.merged > 0 for unit in units) > (name in {"division", "companyName"}):
            yield name


def _excess(tenant: TenantResult, l10n: Labels) -> str:
    """Return how many assigned seats, included in the sums, exceed the usable ones, and their cost; empty if none."""
    spare = {seat.sku_id: seat.spare or 0 for seat in tenant.seats}
    products = () if tenant.usage is None else tenant.usage.products
    excess = [(product, -spare.get(product.sku_id, 0)) for product in products if spare.get(product.sku_id, 0) < 0]
    if not excess:
        return ""
    count = sum(seats for _, seats in excess)
    text = l10n.plural(
        "{count} more seat is assigned than usable", "{count} more seats are assigned than usable", count
    )
    prices = (
        replace(product.price, per_month=product.price.per_month * seats) for product, seats in excess if product.price
    )
    return with_money(text, total(prices), l10n)


def with_money(text: str, amount: Money | None, l10n: Labels) -> str:
    """Return a text followed by a monthly amount in brackets, or the text alone if the amount is not known."""
    if amount is None:
        return text
    return l10n.gettext("{text} ({money} a month)", text=text, money=l10n.amount(amount))


def _headline(products: Iterable[ProductUsage], l10n: Labels) -> str:
    idle = total(product.idle_cost for product in products)
    paid = total(product.cost for product in products)
    if idle is None or paid is None or not idle.per_month:
        return ""
    return l10n.gettext(
        "{idle} of {all} a month is paid for seats that were idle for 90 days.",
        idle=l10n.amount(idle),
        all=l10n.amount(paid),
    )


def _usage_row(product: ProductUsage, l10n: Labels) -> UsageRow:
    name = shortened(product.name or product.sku_part_number or product.sku_id)
    return UsageRow(
        name=name,
        product=product,
        unknown="" if product.idle is None else _unknown(product.unknown, l10n),
        bar=_bar(product),
        summary=_summary(name, product, l10n),
    )


def _unknown(count: int, l10n: Labels) -> str:
    return l10n.plural("{count} not known", "{count} not known", count) if count else ""


def _bar(product: ProductUsage) -> tuple[int, int, int] | None:
    if product.used_in_30_days is None or product.used_in_90_days is None or product.idle is None:
        return None
    if not product.assigned:  # only in a saved result that another program changed
        return None
    ends = (product.used_in_30_days, product.used_in_90_days, product.used_in_90_days + product.idle)
    first, second, third = (round(end * WIDTH / product.assigned) for end in ends)
    return first, second, third


def _summary(name: str, product: ProductUsage, l10n: Labels) -> str:
    if not product.idle:
        return ""
    text = l10n.gettext(
        "{product}: {assigned} assigned, {idle} idle for 90 days",
        product=name,
        assigned=l10n.number(product.assigned),
        idle=l10n.number(product.idle),
    )
    return with_money(text, product.idle_cost, l10n)


_LABELS: Final = {
    "costCenter": ("cost-centers", N_("By cost centre"), N_("Cost centre"), N_("No cost centre")),
    "department": ("departments", N_("By department"), N_("Department"), N_("No department")),
    "division": ("divisions", N_("By division"), N_("Division"), N_("No division")),
    "companyName": ("companies", N_("By company"), N_("Company"), N_("No company")),
}
"""Property → key, title, column heading, and label of the row for people without a value."""


def _unit_table(name: str, report: DepartmentReport, excess: str, place: int, l10n: Labels) -> UnitTable:
    units = report.by_property[name]
    key, *messages = _LABELS[name]
    title, head, nameless = map(l10n.gettext, messages)
    named = [unit for unit in units if unit.name is not None]
    others = [unit for unit in units if unit.name is None]
    listed = named[:_MAX_UNITS]
    unfolded = _UNFOLDED_UNITS[place] if len(named) > _UNFOLDED_UNITS[place] + 1 else len(listed)
    rest = named[unfolded:]
    smaller = NN_("{count} smaller unit", "{count} smaller units")
    labels = [l10n.plural(*smaller, unit.merged) if unit.merged else nameless for unit in others]
    rows = [_unit_row(unit, label, l10n) for unit, label in zip(others, labels, strict=True)]
    unassigned = report.unassigned
    rows += [_unassigned_row(unassigned, l10n)] if unassigned.seats else []
    rows.append(_unit_row(whole(units, unassigned), l10n.gettext("All seats"), l10n))
    return UnitTable(
        key=key,
        title=title,
        head=head,
        used=any(unit.idle is not None for unit in units),
        priced=any(unit.cost is not None for unit in units),
        lower_bound=any(unit.unpriced for unit in units) or bool(unassigned.unpriced),
        excess=excess,
        rows=tuple(_unit_row(unit, shortened(unit.name or ""), l10n) for unit in listed),
        unfolded=unfolded,
        rest=_unit_row(unit_sum(rest), l10n.more(len(rest)), l10n) if rest else None,
        others=tuple(rows),
        more=len(named) - len(listed),
    )


def _unassigned_row(unassigned: UnassignedSeats, l10n: Labels) -> UnitRow:
    name = l10n.gettext("Spare")
    facts = [_per_month(unassigned.cost, l10n), l10n.plural("{count} seat", "{count} seats", unassigned.seats)]
    unit = replace(whole((), unassigned), used=None, idle=None)
    summary = f"{name}: {l10n.joined(filter(None, facts))}"
    return UnitRow(name=name, unit=unit, people=None, unknown="", summary=summary)


def _per_month(amount: Money | None, l10n: Labels) -> str:
    return "" if amount is None else l10n.gettext("{money} a month", money=l10n.amount(amount))


def _unit_row(unit: UnitUsage, name: str, l10n: Labels) -> UnitRow:
    facts = [_per_month(unit.cost, l10n), l10n.gettext("{seats} assigned", seats=l10n.number(unit.assigned))]
    if unit.idle:
        text = l10n.plural("{count} idle for 90 days", "{count} idle for 90 days", unit.idle)
        facts.append(with_money(text, unit.idle_cost, l10n))
    return UnitRow(
        name=name,
        unit=unit,
        people=unit.people,
        unknown="" if unit.idle is None else _unknown(unit.unknown, l10n),
        summary=f"{name}: {l10n.joined(filter(None, facts))}",
    )


class SmallerProducts(Struct, frozen=True, kw_only=True, eq=False):
    """The proposals of smaller products of a tenant."""

    headline: str
    """The total savings."""
    lines: tuple[str, ...]
    """One line for each pair of products, the highest savings first."""


def smaller_products(tenant: TenantResult, l10n: Labels) -> SmallerProducts | None:
    """Return the proposals of smaller products; None if there are none."""
    counts = tenant.smaller_products
    if not counts:
        return None
    money = l10n.amount(total(proposal.saves for proposal in counts))
    return SmallerProducts(
        headline=l10n.gettext("{money} a month could be saved with smaller products.", money=money),
        lines=tuple(_proposal_line(proposal, l10n) for proposal in counts),
    )


def _proposal_line(proposal: SmallerProductCount, l10n: Labels) -> str:
    return l10n.plural(
        "{count} person: {smaller} may be enough instead of {product}, saving: {money} a month",
        "{count} people: {smaller} may be enough instead of {product}, saving: {money} a month",
        proposal.people,
        smaller=shortened(proposal.smaller_name),
        product=shortened(proposal.name),
        money=l10n.amount(proposal.saves),
    )


def coverage_lines(tenant: TenantResult, headers: Mapping[str, PolicyHeader], l10n: Labels) -> tuple[str, ...]:
    """Return a line for each policy about people who need a seat, with the numbers of people and of seats."""
    return tuple(_coverage_line(entry, headers.get(entry.policy), l10n) for entry in tenant.coverage or ())


def _coverage_line(coverage: SeatCoverage, header: PolicyHeader | None, l10n: Labels) -> str:
    parts = [
        l10n.plural("{count} person needs a seat", "{count} people need a seat", coverage.people),
        l10n.gettext("{seats} usable", seats=l10n.number(coverage.usable)),
    ]
    if coverage.unknown:
        parts.append(l10n.plural("{count} not known", "{count} not known", coverage.unknown))
    if coverage.missing:
        text = l10n.plural("{count} seat is missing", "{count} seats are missing", coverage.missing)
        parts.append(with_money(text, coverage.missing_cost, l10n))
    title = "" if header is None else header.title
    return f"{shortened(title or coverage.policy)}: {l10n.joined(parts)}"
