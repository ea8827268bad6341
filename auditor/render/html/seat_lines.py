"""Lines about seats that every report for people shares: who could have a smaller product, and who needs a seat."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from auditor.domain.result.model import PolicyHeader, TenantResult
from auditor.domain.result.seat_usage import SeatCoverage, SmallerProductCount
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened


class SmallerProducts(Struct, frozen=True, kw_only=True, eq=False):
    """The proposals of a tenant."""

    headline: str
    """What all of them save."""
    lines: tuple[str, ...]
    """One for each pair of products, the highest saving first."""


def smaller_products(tenant: TenantResult, l10n: Labels) -> SmallerProducts | None:
    """Return the proposals of smaller products; None where there are none."""
    counts = tenant.smaller_products
    if not counts:
        return None
    total = sum((each.saves.per_month for each in counts), Decimal(0))
    headline = l10n.gettext("{money} a month could be saved with smaller products.")
    return SmallerProducts(
        headline=headline.replace("{money}", l10n.money(total, counts[0].saves.currency)),
        lines=tuple(_proposal(each, l10n) for each in counts),
    )


def _proposal(each: SmallerProductCount, l10n: Labels) -> str:
    text = l10n.ngettext(
        "{count} person: {smaller} may do in place of {product}, saves {money} a month",
        "{count} people: {smaller} may do in place of {product}, saves {money} a month",
        each.people,
    )
    text = text.replace("{money}", l10n.money(each.saves.per_month, each.saves.currency))
    return text.replace("{smaller}", shortened(each.smaller_name)).replace("{product}", shortened(each.name))


def coverage_lines(tenant: TenantResult, headers: Mapping[str, PolicyHeader], l10n: Labels) -> tuple[str, ...]:
    """Return a line for each policy about people who need a seat: how many they are, and how many seats there are."""
    return tuple(_covered(each, headers.get(each.policy), l10n) for each in tenant.coverage or ())


def _covered(each: SeatCoverage, header: PolicyHeader | None, l10n: Labels) -> str:
    parts = [
        l10n.ngettext("{count} person needs a seat", "{count} people need a seat", each.people),
        l10n.gettext("{seats} usable").replace("{seats}", l10n.number(each.usable)),
    ]
    if each.unknown:
        parts.append(l10n.ngettext("{count} not known", "{count} not known", each.unknown))
    if each.missing:
        text = l10n.ngettext("{count} seat is missing", "{count} seats are missing", each.missing)
        cost = each.missing_cost
        if cost is not None:
            money = l10n.money(cost.per_month, cost.currency)
            text = l10n.gettext("{text} ({money} a month)").replace("{money}", money).replace("{text}", text)
        parts.append(text)
    title = each.policy if header is None else shortened(header.title)
    return f"{title}: {l10n.joined(parts)}"
