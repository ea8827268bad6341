"""The facts of contracts, terms and prices that begin later, in few words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.render.text.labels import Labels

_TERMS: Final = {
    "P1M": N_("term of a month"),
    "P1Y": N_("term of a year"),
    "P3Y": N_("term of three years"),
    "unknown": N_("term not known"),
}
_RENEWALS: Final = {
    "automatically": N_("renews automatically"),
    "by-decision": N_("renews by decision only"),
}


def contract_facts(finding: Finding, l10n: Labels) -> Iterator[str]:
    """Yield what the evidence says of contracts, terms and prices; nothing where it says nothing of them."""
    facts = finding.evidence
    if isinstance(facts.get("contracts"), list | tuple) and type(facts.get("purchased")) is int:
        yield l10n.ngettext("{count} seat bought", "{count} seats bought", facts["purchased"])
    seats = facts.get("contractSeats")
    if type(seats) is int:
        yield l10n.ngettext("{count} seat in the contract", "{count} seats in the contract", seats)
    contracts = facts.get("contracts")
    if isinstance(contracts, list | tuple) and contracts:
        yield l10n.gettext("contracts: {contracts}").replace("{contracts}", l10n.joined(map(str, contracts)))
    for name, text in (
        ("ends", l10n.gettext("ends on {date}")),
        ("lastDayOfNotice", l10n.gettext("last day to give notice {date}")),
    ):
        if facts.get(name):
            yield text.replace("{date}", l10n.written_day(facts[name]))
    for name, texts in (("renews", _RENEWALS), ("term", _TERMS)):
        line = texts.get(str(facts.get(name)))
        if line is not None:
            yield l10n.gettext(line)
    if facts.get("seller"):
        yield l10n.gettext("seller {name}").replace("{name}", str(facts["seller"]))
    price = facts.get("pricePerSeat")
    if finding.money is not None and isinstance(price, int | float) and facts.get("priceFrom"):
        amount = l10n.money(Decimal(str(price)), finding.money.currency)
        line = l10n.gettext("{money} a seat and month from {date}")
        yield line.replace("{money}", amount).replace("{date}", l10n.written_day(facts["priceFrom"]))


def happens_to_contract(renews: str, l10n: Labels, *, notice: bool, past: bool) -> str:
    """Return what happens to a contract on its last day, or on the last day to give notice; empty if not known."""
    if past:
        return l10n.gettext("It has ended, unless it was renewed")
    match renews, notice:
        case "automatically", True:
            return l10n.gettext("Renews at its end unless notice is given by this day")
        case "automatically", False:
            return l10n.gettext("Renews on the next day unless notice was given")
        case "by-decision", False:
            return l10n.gettext("Ends unless somebody renews it")
        case _:
            return ""
