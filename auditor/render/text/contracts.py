"""The facts of contracts, terms and prices that begin later, in few words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from auditor.domain.result import Finding
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


def contract_facts(finding: Finding, words: Labels) -> Iterator[str]:
    """Yield what the evidence says of contracts, terms and prices; nothing where it says nothing of them."""
    facts = finding.evidence
    seats = facts.get("contractSeats")
    if type(seats) is int:
        yield words.ngettext("{count} seat in the contract", "{count} seats in the contract", seats)
    contracts = facts.get("contracts")
    if isinstance(contracts, list | tuple) and contracts:
        yield words.gettext("contracts: {contracts}").replace("{contracts}", words.joined(map(str, contracts)))
    for name, text in (
        ("ends", words.gettext("ends on {date}")),
        ("lastDayOfNotice", words.gettext("last day to give notice {date}")),
    ):
        if facts.get(name):
            yield text.replace("{date}", words.written_date(str(facts[name])))
    for name, texts in (("renews", _RENEWALS), ("term", _TERMS)):
        said = texts.get(str(facts.get(name)))
        if said is not None:
            yield words.gettext(said)
    if facts.get("seller"):
        yield words.gettext("seller {name}").replace("{name}", str(facts["seller"]))
    price = facts.get("pricePerSeat")
    if finding.money is not None and isinstance(price, int | float) and facts.get("priceFrom"):
        amount = words.money(Decimal(str(price)), finding.money.currency)
        said = words.gettext("{money} a seat and month from {date}")
        yield said.replace("{money}", amount).replace("{date}", words.written_date(str(facts["priceFrom"])))
