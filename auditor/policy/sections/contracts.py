"""Reads the contracts of policy files."""

from collections.abc import Sequence
from datetime import date

from auditor.domain.message import Count, Message
from auditor.domain.policy.prices import MONTHS, Contract, Prices, months_before
from auditor.policy.nodes import Node, day, duration
from auditor.policy.references import Names
from auditor.policy.sections.prices import check_currency, dated_prices


def read_contracts(
    roots: Sequence[Node], names: Names, prices: Prices | None
) -> tuple[tuple[Contract, ...], str | None]:
    """Return the contracts of all files in order of id, and the currency of all prices."""
    currencies = [root["prices"]["currency"] for root in roots if root.has("prices")]
    nodes = [node for root in roots for node in root.each_of("contracts")]
    priced = [node["perSeatPerMonth"] for node in nodes if node.has("perSeatPerMonth")]
    price_currencies = [price["currency"] for node in priced for price in node.one_or_each() if price.has("currency")]
    currency = next(iter((*currencies, *price_currencies)), None)
    if not currencies and currency is not None:
        for price_currency in price_currencies:
            check_currency(price_currency, currency, names)
    contracts: dict[str, Contract] = {}
    for node in nodes:
        contract = _contract(node, names, currencies[0] if currencies else None)
        first = contracts.setdefault(contract.id, contract)
        if first is not contract:
            message = Message("the contract id '{id}' is already used", id=contract.id)
            names.diagnostics.duplicate("contract-duplicate-id", message, node["id"], first.span)
        if contract.prices and currency is None:
            names.diagnostics.error(
                "prices-no-currency",
                Message("the contract '{id}' has a price, but no file has a currency", id=contract.id),
                node["perSeatPerMonth"],
                Message("add `currency:` to the price, or add `prices:` with a currency"),
            )
    ordered = tuple(contracts[id_] for id_ in sorted(contracts))
    return ordered, (prices.currency if prices is not None else None if currency is None else str(currency.value))


def _contract(node: Node, names: Names, currency: Node | None) -> Contract:
    tenants = names.tenants = node.texts("tenants") if node.has("tenants") else None
    products = names.product_set(node["products"])
    names.tenants = None
    name, term, ends = node.text("id"), node.text("term"), day(node["ends"], names.diagnostics)
    notice = duration(node["notice"]) if node.has("notice") else None
    begins = _begins(node, ends, term, names)
    if notice is not None and begins is not None and notice.days > (ends - begins).days:
        names.diagnostics.error(
            "contract-notice-too-long",
            Message("the notice of {days} days is longer than the term {term}", days=Count(notice.days), term=term),
            node["notice"],
            Message(
                "the last day to give notice is before the start of the contract: shorten `notice`, or correct `term`"
            ),
        )
    prices = dated_prices(node["perSeatPerMonth"], name, currency, names) if node.has("perSeatPerMonth") else ()
    return Contract(
        id=name,
        products=products,
        term=term,
        ends=ends,
        renews=node.value["renews"],
        span=node.span(),
        tenants=tenants,
        seats=node.value.get("seats"),
        notice=notice,
        prices=prices,
        seller=node.text("seller"),
    )


def _begins(node: Node, ends: date, term: str, names: Names) -> date | None:
    """Return the day before the first day; a contract that would begin before the year 1 is reported."""
    if ends == date.min:
        return None  # an impossible date, already reported
    try:
        return months_before(ends, MONTHS[term])
    except ValueError:
        names.diagnostics.error(
            "contract-ends-early",
            Message("a contract of {term} that ends on {ends} ends before it begins", term=term, ends=ends.isoformat()),
            node["ends"],
            Message("write the last day of the contract, as 2027-03-31"),
        )
        return None
