"""Describes purchases, contracts, terms, future prices, and what happens at the end of a term."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from auditor.domain.enums import Agreement
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.domain.translation import N_
from auditor.render.text.labels import Labels
from auditor.result.seats import spare_of

_TERMS: Final = {
    "P1M": N_("one-month term"),
    "P1Y": N_("one-year term"),
    "P3Y": N_("three-year term"),
    "unknown": N_("term not known"),
}
_RENEWALS: Final = {"automatically": N_("renews automatically"), "by-decision": N_("does not renew automatically")}
_MCA_NO_GRACE_SINCE: Final = date(2026, 2, 9)
"""Since this day, subscriptions under a Microsoft Customer Agreement have no free days after their end."""
_CSP_NO_GRACE_SINCE: Final = date(2026, 5, 4)
"""Since this day, subscriptions from partners have no free days after their end."""
_CONSEQUENCES: Final = {
    "warning": N_("Users can work until this day, then they lose access; decide before then"),
    "suspended": N_("Its seats cannot be used any more; its data is deleted on this day"),
    "lockedout": N_("Its seats cannot be used any more; its data is deleted on this day"),
    "deleted": "",
}


def purchase(trial: object, seats: object, l10n: Labels) -> Iterator[str]:
    """Yield whether a subscription is a trial and how many seats it has; nothing for values of other types."""
    if trial is True:
        yield l10n.gettext("trial")
    if type(seats) is int:
        yield l10n.plural("{count} seat purchased", "{count} seats purchased", seats)


def spare_today(seats: int, l10n: Labels) -> str:
    """Return how many seats of a product are spare on the day of the audit, or how many too many are assigned."""
    if seats < 0:
        return l10n.plural(
            "{count} more seat is assigned than usable", "{count} more seats are assigned than usable", -seats
        )
    return l10n.plural("{count} spare today", "{count} spare today", seats)


def spare_by_sku(tenant: TenantResult) -> dict[str, int | None]:
    """Return the spare seats of each product with one subscription, by casefolded skuId, as `spare_of` counts them.

    The spare seats of a product with several subscriptions belong to none of them.
    """
    subscriptions = Counter(subscription.sku_id.casefold() for subscription in tenant.subscriptions)
    names = {seats.sku_id.casefold(): spare_of(seats) for seats in tenant.seats}
    return {name: spare for name, spare in names.items() if subscriptions[name] <= 1}


def contract_facts(finding: Finding, l10n: Labels) -> Iterator[str]:
    """Yield the facts about contracts, terms and prices in the evidence; nothing if it has none."""
    facts = finding.evidence
    contracts = facts.get("contracts")
    if isinstance(contracts, list | tuple):
        yield from purchase(None, facts.get("purchased"), l10n)
    if type(facts.get("contractSeats")) is int:
        yield contract_seats(facts["contractSeats"], l10n)
    if isinstance(contracts, list | tuple) and contracts:
        yield l10n.gettext("contracts: {contracts}", contracts=l10n.joined(map(str, contracts)))
    for name, text in (("ends", N_("last day {date}")), ("lastDayOfNotice", N_("last day to give notice {date}"))):
        if facts.get(name):
            yield l10n.gettext(text, date=l10n.written_day(facts[name]))
    for name, texts in (("renews", _RENEWALS), ("term", _TERMS)):
        line = texts.get(str(facts.get(name)))
        if line is not None:
            yield l10n.gettext(line)
    if facts.get("seller"):
        yield l10n.gettext("seller {name}", name=str(facts["seller"]))
    price = facts.get("pricePerSeat")
    if finding.money is not None and isinstance(price, int | float) and facts.get("priceFrom"):
        amount = l10n.money(Decimal(str(price)), finding.money.currency)
        day = l10n.written_day(facts["priceFrom"])
        yield l10n.gettext("{money} per seat and month from {date}", money=amount, date=day)


def contract_seats(seats: int, l10n: Labels) -> str:
    """Return the number of seats of a contract, in words."""
    return l10n.plural("{count} seat in the contract", "{count} seats in the contract", seats)


def contract_consequence(renews: str, l10n: Labels, *, notice: bool, past: bool) -> str:
    """Return what happens on the last day of a contract, or to give notice (`notice`); empty if not known."""
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


def consequence_text(status: object, agreement: Agreement, day: date, l10n: Labels, *, trial: bool = False) -> str:
    """Return what happens on a subscription's next date if nobody decides before it; `day` is the day of the audit."""
    state = status.casefold() if isinstance(status, str) else ""
    if state in _CONSEQUENCES:
        return l10n.gettext(_CONSEQUENCES[state])
    if trial and agreement in {Agreement.VOLUME, Agreement.CSP}:
        return l10n.gettext("The trial ends; decide before then")
    if trial:
        return l10n.gettext("The trial ends, or becomes a paid subscription; decide before then")
    if agreement is Agreement.MCA and day >= _MCA_NO_GRACE_SINCE:
        return l10n.gettext(
            "Renews if recurring billing is on; otherwise access ends or the paid Extended Service Term (EST) begins; "
            "decide before then"
        )
    if agreement is Agreement.CSP and day >= _CSP_NO_GRACE_SINCE:
        return l10n.gettext(
            "Renews, or moves to the paid Extended Service Term (EST), unless the partner cancels it; ask the partner "
            "before then"
        )
    if agreement is Agreement.VOLUME:
        return l10n.gettext("Users usually have 90 more days if the agreement is not renewed; decide before then")
    if agreement is Agreement.UNKNOWN:
        return l10n.gettext(
            "Renews or ends, with or without a grace period, depending on the agreement; decide before then"
        )
    return l10n.gettext("Renews if recurring billing is on; otherwise users have 30 more days; decide before then")
