"""Reads the price lists of policy files: amounts, or prices that change on a date."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from auditor.domain.errors import Span
from auditor.domain.message import Message
from auditor.domain.policy.prices import DatedPrice, Prices
from auditor.policy.nodes import Node, day
from auditor.policy.references import Names


def read_prices(roots: Sequence[Node], names: Names) -> Prices | None:
    """Return the price list of all files; None if there is none."""
    currency: Node | None = None
    prices: dict[str, tuple[DatedPrice, ...]] = {}
    spans: dict[str, Span] = {}
    for root in roots:
        if not root.has("prices"):
            continue
        node = root["prices"]["currency"]
        currency = currency or node
        if not check_currency(node, currency, names):
            continue  # the prices are of another list, not second ones of the same
        for name, price in root["prices"]["perSeatPerMonth"].items():
            names.mention("product", name, price)
            key = name.casefold()
            if key in spans:
                names.diagnostics.error(
                    "prices-duplicate",
                    Message("'{name}' has more than one price", name=name),
                    price.span(key=True),
                    Message("the first price is at {file}:{line}", file=spans[key].file, line=spans[key].line),
                )
            dated = dated_prices(price, name, currency, names)
            if dated:
                spans.setdefault(key, price.span(key=True))
                prices.setdefault(key, dated)
    return None if currency is None else Prices(currency=str(currency.value), per_seat_per_month=prices)


def check_currency(node: Node, first: Node, names: Names) -> bool:
    """Return whether a currency is the first one of the files; report one that differs."""
    same = bool(node.value == first.value)
    if not same:
        names.diagnostics.error(
            "prices-two-currencies",
            Message(
                "prices in {value}, but {file}:{line} has prices in {value2}",
                value=node.value,
                file=first.span().file,
                line=first.span().line,
                value2=first.value,
            ),
            node,
            Message("use one currency in each run: audit tenants with other prices in a run of their own"),
        )
    return same


def dated_prices(node: Node, name: str, currency: Node | None, names: Names) -> tuple[DatedPrice, ...]:
    """Return the prices of an amount, a price with its start, or a list of these, in order of start.

    `name` is the product or contract in messages. Without `currency`, the currencies of the prices are not compared.
    """
    if not isinstance(node.value, dict | list):
        return () if _infinite(node, name, names) else (DatedPrice(amount=Decimal(str(node.value))),)
    prices: dict[date, DatedPrice] = {}
    for item in node.one_or_each():
        starts = day(item["from"], names.diagnostics) if item.has("from") else date.min
        if item.has("currency") and currency is not None:
            check_currency(item["currency"], currency, names)
        if starts in prices:
            names.diagnostics.error(
                "prices-same-day",
                Message("'{name}' has two prices from the same day", name=name),
                item["from"] if item.has("from") else item,
                Message("use a different `from` for each price; one of them can omit it"),
            )
        if not _infinite(item["amount"], name, names):
            prices.setdefault(starts, DatedPrice(amount=Decimal(str(item.value["amount"])), starts=starts))
    return tuple(prices[starts] for starts in sorted(prices))


def _infinite(node: Node, name: str, names: Names) -> bool:
    """Return whether an amount is not a finite number, and report it."""
    if math.isfinite(node.value):
        return False
    names.diagnostics.error(
        "prices-not-finite",
        Message("the price of '{name}' is not a finite number", name=name),
        node,
        Message("write a number"),
    )
    return True
