"""The page's tables of use and cost: by product, by department and by company."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from auditor.domain.result import Money, TenantResult
from auditor.domain.seat_usage import DepartmentReport, ProductUsage, UnassignedSeats, UnitUsage
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened

WIDTH: Final = 240
"""Units of a bar's view box."""
_LINES: Final = 5
"""Products that a short report names."""
_MOST_PRODUCTS: Final = 40
_MOST_UNITS: Final = 25
"""Rows of a table; the workbook and result.json have all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsageRow:
    """One product, with its numbers as texts."""

    name: str
    part_number: str
    idle_cost: str
    idle: str
    used_30: str
    used_90: str
    assigned: str
    cost: str
    unknown: str
    """How many are not known; empty where none is, and where the reports tell nothing of the product."""
    bar: tuple[int, int, int] | None
    """Where those used in 30 days, those used in 90 days and those idle end."""
    summary: str
    """The product in one line; empty where no seat of it is idle."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsageTable:
    """Products that people hold, the costliest idle seats first."""

    headline: str
    days: str
    """The day from which days count back."""
    rows: tuple[UsageRow, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitRow:
    """One department or company, with its numbers as texts."""

    name: str
    people: str
    assigned: str
    used: str
    idle: str
    cost: str
    idle_cost: str
    special: bool
    """Whether it stands for no department: people without one, several small ones, seats that nobody holds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitTable:
    """Departments or companies, the costliest first."""

    key: str
    title: str
    head: str
    used: bool
    """Whether it is known what is in use."""
    priced: bool
    lower_bound: bool
    rows: tuple[UnitRow, ...]
    others: tuple[UnitRow, ...]
    """People without one, several small ones, seats that nobody holds."""
    more: int


def usage_table(tenant: TenantResult, words: Labels) -> UsageTable | None:
    """Return the use of products; None where no report of usage was read."""
    usage = tenant.usage
    if usage is None or not usage.products:
        return None
    days = sorted({day for day in (usage.refresh_date, usage.copilot_refresh_date) if day is not None})
    rows = usage.products[:_MOST_PRODUCTS]
    return UsageTable(
        headline=_headline(usage.products, words),
        days=" / ".join(map(words.date, days)),
        rows=tuple(_usage_row(product, words) for product in rows),
        more=len(usage.products) - len(rows),
    )


def idle_lines(table: UsageTable | None) -> tuple[str, ...]:
    """Return the products with the costliest idle seats in one line each."""
    return () if table is None else tuple(row.summary for row in table.rows if row.summary)[:_LINES]


def unit_tables(tenant: TenantResult, words: Labels) -> tuple[UnitTable, ...]:
    """Return the tables by department and by company; none where nobody has one."""
    report = tenant.departments
    if report is None:
        return ()
    parts = (
        ("departments", words.gettext("By department"), words.gettext("Department"), report.departments),
        ("companies", words.gettext("By company"), words.gettext("Company"), report.companies),
    )
    return tuple(_unit_table(key, title, head, units, report, words) for key, title, head, units in parts if units)


def _headline(products: Iterable[ProductUsage], words: Labels) -> str:
    idle = _total(product.idle_cost for product in products)
    paid = _total(product.cost for product in products)
    if idle is None or paid is None or not idle.per_month:
        return ""
    text = words.gettext("{idle} of {all} a month is paid for seats that were idle for 90 days.")
    return text.replace("{idle}", _money(idle, words)).replace("{all}", _money(paid, words))


def _total(amounts: Iterable[Money | None]) -> Money | None:
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Money(currency=known[0].currency, per_month=sum((amount.per_month for amount in known), Decimal(0)))


def _money(amount: Money | None, words: Labels) -> str:
    return "" if amount is None else words.money(amount.per_month, amount.currency)


def _usage_row(product: ProductUsage, words: Labels) -> UsageRow:
    name = shortened(product.name or product.sku_part_number or product.sku_id)
    return UsageRow(
        name=name,
        part_number=shortened(product.sku_part_number),
        idle_cost=_money(product.idle_cost, words),
        idle=words.number(product.idle),
        used_30=words.number(product.used_in_30_days),
        used_90=words.number(product.used_in_90_days),
        assigned=words.number(product.assigned),
        cost=_money(product.cost, words),
        unknown=words.ngettext("{count} not known", "{count} not known", product.unknown)
        if product.unknown and product.idle is not None
        else "",
        bar=_bar(product),
        summary=_summary(name, product, words),
    )


def _bar(product: ProductUsage) -> tuple[int, int, int] | None:
    if product.used_in_30_days is None or product.used_in_90_days is None or product.idle is None:
        return None
    ends = (product.used_in_30_days, product.used_in_90_days, product.used_in_90_days + product.idle)
    first, second, third = (round(end * WIDTH / product.assigned) for end in ends)
    return first, second, third


def _summary(name: str, product: ProductUsage, words: Labels) -> str:
    if not product.idle:
        return ""
    if product.idle_cost is None:
        text = words.gettext("{product}: {assigned} assigned, {idle} idle for 90 days")
    else:
        text = words.gettext("{product}: {assigned} assigned, {idle} idle for 90 days, {money} a month")
    text = text.replace("{assigned}", words.number(product.assigned)).replace("{idle}", words.number(product.idle))
    return text.replace("{money}", _money(product.idle_cost, words)).replace("{product}", name)


def _unit_table(
    key: str, title: str, head: str, units: Sequence[UnitUsage], report: DepartmentReport, words: Labels
) -> UnitTable:
    named = [unit for unit in units if unit.name is not None]
    others = [unit for unit in units if unit.name is None]
    listed = named[:_MOST_UNITS]
    nameless = words.gettext("No department") if key == "departments" else words.gettext("No company")
    rows = [_unit_row(unit, _merged(unit, words) if unit.merged else nameless, words) for unit in others]
    unassigned = report.unassigned
    if unassigned.seats:
        rows.append(_unassigned_row(unassigned, words))
    return UnitTable(
        key=key,
        title=title,
        head=head,
        used=any(unit.idle is not None for unit in units),
        priced=any(unit.cost is not None for unit in units),
        lower_bound=any(unit.unpriced for unit in units) or bool(unassigned.unpriced),
        rows=tuple(_unit_row(unit, shortened(unit.name or ""), words) for unit in listed),
        others=tuple(rows),
        more=len(named) - len(listed),
    )


def _merged(unit: UnitUsage, words: Labels) -> str:
    return words.ngettext("{count} small one", "{count} small ones", unit.merged)


def _unassigned_row(unassigned: UnassignedSeats, words: Labels) -> UnitRow:
    none = words.number(None)
    return UnitRow(
        name=words.gettext("Assigned to nobody"),
        people=none,
        assigned=words.number(unassigned.seats),
        used=none,
        idle=none,
        cost=_money(unassigned.cost, words),
        idle_cost="",
        special=True,
    )


def _unit_row(unit: UnitUsage, name: str, words: Labels) -> UnitRow:
    return UnitRow(
        name=name,
        people=words.number(unit.people),
        assigned=words.number(unit.assigned),
        used=words.number(unit.used),
        idle=words.number(unit.idle),
        cost=_money(unit.cost, words),
        idle_cost=_money(unit.idle_cost, words),
        special=unit.name is None,
    )
