"""Names the amounts of money of a result as page, mail and workbook show them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from auditor.domain.result.model import Result
from auditor.render.text.labels import Labels
from auditor.result.aggregate import action_amounts


class MoneyFigure(Struct, frozen=True, kw_only=True, eq=False):
    """A monthly amount by currency, with its label and an explanation."""

    label: str
    amounts: Mapping[str, Decimal]
    note: str


def money_figures(result: Result, exposure: Mapping[str, Decimal], l10n: Labels) -> Sequence[MoneyFigure]:
    """Return `exposure`, the cost of open findings, and the amounts of actions; empty if nothing has a price."""
    amounts = action_amounts(*(tenant.actions for tenant in result.tenants))
    figures = [
        MoneyFigure(
            label=l10n.gettext("in open findings"),
            amounts=exposure,
            note=l10n.gettext("A seat with several findings counts once."),
        ),
        MoneyFigure(
            label=l10n.gettext("in freed seats to reassign"),
            amounts=amounts.reassign,
            note=l10n.gettext(
                "Seats that the actions free and do not remove, less those that they assign. Reassign them instead "
                "of buying new ones."
            ),
        ),
        MoneyFigure(
            label=l10n.gettext("saved by removing seats"),
            amounts=amounts.reduce,
            note=l10n.gettext(
                "Seats that the actions remove, at the latest when their subscription renews: as many as the policies "
                "require."
            ),
        ),
    ]
    if amounts.buy:
        figures.append(
            MoneyFigure(
                label=l10n.gettext("for missing seats"),
                amounts=amounts.buy,
                note=l10n.gettext("This cost is added if you buy them."),
            )
        )
    return figures if any(figure.amounts for figure in figures) else ()
