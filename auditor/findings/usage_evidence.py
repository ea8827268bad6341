"""Builds the evidence about usage: values of the reports that a policy evaluates users by, and their refresh dates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Source
from auditor.domain.policy.model import Assignments, Policy
from auditor.domain.policy.product_set import EVERY_PRODUCT, ProductSet
from auditor.domain.policy.selector import SERVICES, Agent, AppsUnused, InactiveIn, Selector
from auditor.engine.columns.bitsets import indices
from auditor.engine.columns.users import People
from auditor.engine.outcome import Rows
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy_index import report_columns
from auditor.engine.skus.masks import ProductMasks
from auditor.engine.tenant_facts import SkuFact
from auditor.findings.access_evidence import access_quotes, judges_access
from auditor.findings.columns import json_text
from auditor.guidance.right_sizing import DESKTOP_APPS, KnownUse, Offer, SmallerProduct, smaller_product
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, APPS, PLATFORMS, SOURCE_OF_COLUMN, app_bits

Quote = dict[str, Any]

_APP_BITS: Final = {(app, platform): app_bits((app,), (platform,)) for app in APPS for platform in PLATFORMS}


def usage_columns(bound: BoundPolicies) -> tuple[str, ...]:
    """Return the columns of users that findings quote for policies that judge by use."""
    columns: set[str] = set()
    access = False  # of what it reads of users, findings quote everything
    for policy in bound.policies:
        for atom in bound.rules.atoms(policy) if bound.rules.judges_users(policy) else ():
            columns.update(("agent",) if isinstance(atom, Agent) else report_columns(atom))
            access = access or judges_access(atom)
        columns.update(() if _downgrade_to(policy) is None else SOURCE_OF_COLUMN)
    if columns - {"agent"} and bound.prices is not None:
        columns.update(SOURCE_OF_COLUMN)  # all that decides whether a smaller product would do
    return (*sorted(columns), "notCollected") if columns or access else ()


class UsageEvidence:
    """The use of some people, each fact written once for all policies that quote it."""

    def __init__(self, bound: BoundPolicies, batch: UserBatch, rows: Rows) -> None:
        """Take users of a batch with their assignments; `rows` are their ascending rows in the snapshot."""
        self._bound = bound
        self._links = batch.assignments
        self._rows = rows
        self._people = People(batch, bound.facts)
        self._values: dict[str, list[Any]] = {}
        self._proposals: dict[int, Sequence[Quote]] = {}
        """By the identity of the set of products that the policy names; to hash a set is to walk it whole."""

    def added_to(self, evidence: pa.StringArray, policies: Sequence[Policy], policy: Rows, person: Rows) -> pa.Array:
        """Return the evidence of findings as JSON: that of each person, and the use by which each policy evaluates.

        `policy` and `person` are the places of each finding's policy and person.
        """
        plain = evidence.take(indices(person))
        quotes = [self._of(each) for each in policies]
        if all(quote is None for quote in quotes):
            return plain
        members, starts = [""], []
        for quote in quotes:
            starts.append(0 if quote is None else len(members))
            members += [f",{json_text(each)[1:-1]}" if each else "" for each in quote or ()]
        first = np.array(starts, dtype=np.int64)[policy]
        own = pa.array(members, pa.string()).take(indices(np.where(first > 0, first + person, 0)))
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, -1), own, "}", "")

    def _of(self, policy: Policy) -> Sequence[Quote] | None:
        """Return what to quote of each person, in order; None for a policy that does not judge by use.

        What is not known of a person is left out.
        """
        every = self._bound.rules.atoms(policy)
        atoms = [atom for atom in every if isinstance(atom, Agent) or report_columns(atom)]
        access = [atom for atom in every if judges_access(atom)]
        to = _downgrade_to(policy)
        if not atoms and not access and to is None:
            return None
        quotes = access_quotes(self._bound, self._people, access)
        for source, dated in self._refreshed(atoms).items():
            parts = [self._of_source(atom, source) for atom in atoms]
            for index, quote in enumerate(quotes):
                merged = _merged([part[index] for part in parts])
                if merged:
                    quote[source.value] = {"refreshDate": dated, **merged}
        if to is not None or any(report_columns(atom) for atom in atoms):
            for quote, proposal in zip(quotes, self._smaller(to), strict=True):
                quote.update(proposal)
        if any(isinstance(atom, Agent) for atom in atoms):
            for quote, agent in zip(quotes, self._known("agent"), strict=True):
                quote.update({"agent": True} if agent else {})
        return quotes

    def _smaller(self, to: ProductSet | None) -> Sequence[Quote]:
        """Return the smaller product of a set that would do for each person, as a member of the evidence.

        Without a set it is any of the tenant's products.
        """
        prices = self._bound.prices
        if prices is None:
            return [{}] * self._people.count
        if id(to) in self._proposals:
            return self._proposals[id(to)]
        held_offers, offers = (
            self._bound.masks.once(("priced offers", id(of)), partial(priced_offers, self._bound, of))
            for of in (None, to)
        )
        cached: dict[tuple[frozenset[str], KnownUse], Quote] = {}
        quotes = []
        for held, use in zip(self._held(), self._uses(), strict=True):
            if (held, use) not in cached:
                proposals = (smaller_product(offer, offers, use) for offer in held_offers if offer.sku_id in held)
                best = next((each for each in proposals if each is not None), None)
                cached[held, use] = {} if best is None else {"smallerProduct": _quoted(best, prices.currency)}
            quotes.append(cached[held, use])
        self._proposals[id(to)] = quotes
        return quotes

    def _held(self) -> Iterable[frozenset[str]]:
        """Yield the skuIds that each person holds."""
        links = self._links
        owners, held = links.column("user").to_numpy(), links.column("held").to_pylist()
        skus = links.column("skuId").to_pylist()
        places = np.searchsorted(owners, [self._rows, self._rows + 1])
        for start, end in places.T.tolist():
            yield frozenset(skus[index].lower() for index in range(start, end) if held[index])

    def _uses(self) -> Iterable[KnownUse]:
        """Yield what the reports say of each person, whatever the policy asks."""
        services = {service: self._known(column) for service, column in ACTIVITY_COLUMNS.items()}
        periods = [self._known(APP_USAGE_COLUMNS[period]) for period in ("D180", "D90")]
        sizes, archives = (self._known(column) for column in _MAILBOX)
        for index in range(self._people.count):
            days = {service: own[index] for service, own in services.items() if own[index] is not _UNKNOWN}
            used = {service for service, day in days.items() if day is not None}
            unused = days.keys() - used
            bits = next((own[index] for own in periods if own[index] is not _UNKNOWN), None)
            if bits is not None:
                (used if bits & _DESKTOP else unused).add(DESKTOP_APPS)
            size, archive = (None if own[index] is _UNKNOWN else own[index] for own in (sizes, archives))
            yield KnownUse(used=frozenset(used), unused=frozenset(unused), mailbox_size=size, archive=archive)

    def _refreshed(self, atoms: Sequence[Selector]) -> Mapping[Source, str]:
        """Return the reports that the tests look at, each with the day up to which it knows activity."""
        sources = {SOURCE_OF_COLUMN[column] for atom in atoms for column in report_columns(atom)}
        dates = self._bound.facts.refresh_dates
        return {source: dates[source].isoformat() for source in Source if source in sources and source in dates}

    def _of_source(self, atom: Selector, source: Source) -> Sequence[Quote]:
        """Return what one test quotes of one report."""
        if all(SOURCE_OF_COLUMN[column] is not source for column in report_columns(atom)):
            return [{}] * self._people.count
        match atom:
            case InactiveIn() if source is Source.COPILOT_USAGE:
                return self._each(ACTIVITY_COLUMNS["copilot"], lambda day: {"lastActivityDate": _day(day)})
            case InactiveIn(services=services):
                named = [service for service in SERVICES if service in services and service != "copilot"]
                days = zip(*(self._known(ACTIVITY_COLUMNS[service]) for service in named), strict=True)
                return [_activity(zip(named, own, strict=True)) for own in days]
            case AppsUnused(period=period):
                return self._each(APP_USAGE_COLUMNS[period], lambda bits: {"used": {period: _apps(bits)}})
            case _:
                (column,) = report_columns(atom)
                return self._each(column, lambda value: {_MAILBOX[column]: value})

    def _each(self, column: str, quote: Callable[[Any], Quote]) -> Sequence[Quote]:
        """Quote the value of a column of each person; nothing where it is not known."""
        return [{} if value is _UNKNOWN else quote(value) for value in self._known(column)]

    def _known(self, column: str) -> list[Any]:
        """Return the values of a column, `_UNKNOWN` where the fact is not known."""
        if column not in self._values:
            values = self._people.column(column).to_pylist()
            unknown = self._people.unknown(column).tolist()
            self._values[column] = [
                _UNKNOWN if missing else value for value, missing in zip(values, unknown, strict=True)
            ]
        return self._values[column]


def priced_offers(bound: BoundPolicies, of: ProductSet | None = None) -> list[Offer]:
    """Return the products for people that have a price, the dearest first.

    Without a set, or with `*`, those that the tenant owns; a set may name others, which have to be bought.
    """
    prices, facts = bound.prices, bound.facts
    offers = []
    every = of is None or of == EVERY_PRODUCT
    for sku in (facts.skus[index] for index in facts.assignable) if every else _named(bound, of):
        price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
        if price is not None and sku.plans:
            offers.append(Offer(sku_id=sku.sku_id, part_number=sku.part_number or "", plans=sku.plans, price=price))
    return sorted(offers, key=lambda offer: (-offer.price, offer.sku_id))


def _named(bound: BoundPolicies, of: ProductSet | None) -> Iterable[SkuFact]:
    """Yield the products for people in a set, those of the catalogue too."""
    facts = bound.facts
    if of is not None:
        inside = ProductMasks(facts, facts.every_sku).of(of).true
        yield from (
            sku
            for sku, chosen in zip(facts.every_sku, inside, strict=True)
            if chosen and sku.applies_to.casefold() == "user"
        )


def _downgrade_to(policy: Policy) -> ProductSet | None:
    """Return the set from which a policy asks to propose smaller products."""
    return policy.constraint.downgrade_to if isinstance(policy.constraint, Assignments) else None


def _quoted(proposal: SmallerProduct, currency: str) -> Quote:
    quote = {
        "held": proposal.held.part_number or proposal.held.sku_id,
        "heldSkuId": proposal.held.sku_id,
        "product": proposal.product.part_number or proposal.product.sku_id,
        "productSkuId": proposal.product.sku_id,
        "savesPerMonth": str(proposal.saves),
        "currency": currency,
        "used": list(proposal.used),
        "unused": list(proposal.unused),
        "lost": list(proposal.lost),
        "otherServicePlans": proposal.more_plans,
        "unknown": list(proposal.unknown),
    }
    return {name: value for name, value in quote.items() if value not in ([], 0)}


_UNKNOWN: Final = object()
_DESKTOP: Final = app_bits(APPS, ("windows", "mac"))
_MAILBOX: Final = {"mailboxStorageUsed": "storageUsed", "mailboxHasArchive": "hasArchive"}


def _merged(parts: Sequence[Quote]) -> Quote:
    """Put together what several tests quote of one report."""
    merged: Quote = {}
    for part in parts:
        for key, value in part.items():
            merged[key] = {**merged[key], **value} if isinstance(value, dict) and key in merged else value
    return merged


def _activity(days: Iterable[tuple[str, Any]]) -> Quote:
    dates = {service: _day(day) for service, day in days if day is not _UNKNOWN}
    return {"lastActivityDates": dates} if dates else {}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _apps(bits: int) -> dict[str, list[str]]:
    used = {app: [platform for platform in PLATFORMS if bits & _APP_BITS[app, platform]] for app in APPS}
    return {app: platforms for app, platforms in used.items() if platforms}
