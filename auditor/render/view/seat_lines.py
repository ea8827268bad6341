"""Lines about seats that all human-readable reports share: smaller products, and people who need a seat."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from auditor.domain.result.model import PolicyHeader, TenantResult
from auditor.domain.result.seat_usage import SeatCoverage, SmallerProductCount
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened
from auditor.render.view.usage import with_money


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
    total = sum((proposal.saves.per_month for proposal in counts), Decimal(0))
    money = l10n.money(total, counts[0].saves.currency)
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
        money=l10n.money(proposal.saves.per_month, proposal.saves.currency),
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
    title = coverage.policy if header is None else shortened(header.title)
    return f"{title}: {l10n.joined(parts)}"
