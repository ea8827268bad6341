"""Builds the evidence about usage: report values by which a policy evaluates users, and the refresh dates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.rows import Rows, arrow_rows
from auditor.domain.enums import Source
from auditor.domain.policy.model import Assignments, Policy
from auditor.domain.policy.product_set import EVERY_PRODUCT, ProductSet
from auditor.domain.policy.selector import SERVICES, Agent, AppsUnused, InactiveIn, Selector
from auditor.engine.columns.users import UserColumns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy_index import report_columns
from auditor.engine.tenant_facts import SkuFact
from auditor.findings.columns import json_text
from auditor.findings.evidence.access import Quote, access_quotes, reads_access
from auditor.findings.evidence.right_sizing import DESKTOP_APPS, KnownUse, Offer, SmallerProduct, smaller_product
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, APPS, PLATFORMS, SOURCE_OF_COLUMN, app_bits

_APP_BITS: Final = {(app, platform): app_bits((app,), (platform,)) for app in APPS for platform in PLATFORMS}


def usage_columns(bound: BoundPolicies) -> tuple[str, ...]:
    """Return the user columns that are read for the evidence of policies that evaluate usage."""
    columns: set[str] = set()
    access = False  # its user columns are in the evidence of every finding already
    for policy in bound.policies:
        for atom in bound.rules.atoms(policy) if bound.rules.evaluates_users(policy) else ():
            columns.update(("agent",) if isinstance(atom, Agent) else report_columns(atom))
            access = access or reads_access(atom)
        columns.update(() if _downgrade_to(policy) is None else SOURCE_OF_COLUMN)
    if columns - {"agent"} and bound.prices is not None:
        columns.update(SOURCE_OF_COLUMN)  # everything that decides whether a smaller product is sufficient
    return (*sorted(columns), "notCollected") if columns or access else ()


class UsageEvidence:
    """The usage evidence of some people; values are computed once for all policies."""

    def __init__(self, bound: BoundPolicies, batch: UserBatch, rows: Rows) -> None:
        """Take users of a batch with their assignments; `rows` are their ascending row numbers in the snapshot."""
        self._bound = bound
        self._assignments = batch.assignments
        self._rows = rows
        self._people = UserColumns(batch, bound.facts)
        self._values: dict[str, list[Any]] = {}
        self._proposals: dict[int, Sequence[Quote]] = {}
        """Cache by the id of the product set that the policy names, because hashing a set would walk all of it."""

    def added_to(self, evidence: pa.StringArray, policies: Sequence[Policy], policy: Rows, person: Rows) -> pa.Array:
        """Return the evidence of findings as JSON: that of each person, with the usage that the policy evaluates added.

        `policy` and `person` are the indices of each finding's policy and person.
        """
        plain = evidence.take(arrow_rows(person))
        quotes_by_policy = [self._of(item) for item in policies]
        if all(quotes is None for quotes in quotes_by_policy):
            return plain
        members, starts = ["\n"], []
        for quotes in quotes_by_policy:
            starts.append(0 if quotes is None else len(members))
            members += [f",{json_text(quote)[1:-1]}" if quote else "\n" for quote in quotes or ()]
        first = np.array(starts, dtype=np.int64)[policy]
        usage = pa.array(members, pa.string()).take(arrow_rows(np.where(first > 0, first + person, 0)))
        return pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, -2), usage, "}", "")

    def _of(self, policy: Policy) -> Sequence[Quote] | None:
        """Return the usage evidence of each person, in order; None for a policy that does not evaluate usage.

        Facts that are not known are omitted.
        """
        all_atoms = self._bound.rules.atoms(policy)
        atoms = [atom for atom in all_atoms if isinstance(atom, Agent) or report_columns(atom)]
        access = [atom for atom in all_atoms if reads_access(atom)]
        downgrade_to = _downgrade_to(policy)
        if not atoms and not access and downgrade_to is None:
            return None
        quotes = access_quotes(self._bound, self._people, access)
        for source, refresh_date in self._refreshed(atoms).items():
            parts = [self._of_source(atom, source) for atom in atoms]
            for index, quote in enumerate(quotes):
                merged = _merged([part[index] for part in parts])
                if merged:
                    quote[source.value] = {"refreshDate": refresh_date, **merged}
        if downgrade_to is not None or any(report_columns(atom) for atom in atoms):
            for quote, proposal in zip(quotes, self._smaller(downgrade_to), strict=True):
                quote.update(proposal)
        if any(isinstance(atom, Agent) for atom in atoms):
            for quote, agent in zip(quotes, self._known("agent"), strict=True):
                quote.update({"agent": True} if agent else {})
        return quotes

    def _smaller(self, downgrade_to: ProductSet | None) -> Sequence[Quote]:
        """Return the smaller product that is sufficient for each person, as a member of the evidence.

        The product is one of the set `downgrade_to`, or without a set one of the tenant's products.
        """
        prices = self._bound.prices
        if prices is None:
            return [{}] * self._people.count
        if id(downgrade_to) in self._proposals:
            return self._proposals[id(downgrade_to)]
        held_offers, offers = (_priced_offers(self._bound, of) for of in (None, downgrade_to))
        cached: dict[tuple[frozenset[str], KnownUse], Quote] = {}
        quotes = []
        for held, use in zip(self._held(), self._uses(), strict=True):
            if (held, use) not in cached:
                proposals = (smaller_product(offer, offers, use) for offer in held_offers if offer.sku_id in held)
                best = next((proposal for proposal in proposals if proposal is not None), None)
                cached[held, use] = {} if best is None else {"smallerProduct": _quoted(best, prices.currency)}
            quotes.append(cached[held, use])
        self._proposals[id(downgrade_to)] = quotes
        return quotes

    def _held(self) -> Iterable[frozenset[str]]:
        """Yield the skuIds that each person holds."""
        assignments = self._assignments
        owners, held = assignments.column("user").to_numpy(), assignments.column("held").to_pylist()
        skus = assignments.column("skuId").to_pylist()
        offsets = np.searchsorted(owners, [self._rows, self._rows + 1])
        for start, end in offsets.T.tolist():
            yield frozenset(skus[index].lower() for index in range(start, end) if held[index])

    def _uses(self) -> Iterable[KnownUse]:
        """Yield the usage of each person according to all reports, regardless of the policy."""
        services = {service: self._known(column) for service, column in ACTIVITY_COLUMNS.items()}
        periods = [self._known(APP_USAGE_COLUMNS[period]) for period in ("D180", "D90")]
        sizes, archives = (self._known(column) for column in _MAILBOX)
        for index in range(self._people.count):
            days = {service: values[index] for service, values in services.items() if values[index] is not _UNKNOWN}
            used = {service for service, day in days.items() if day is not None}
            unused = days.keys() - used
            bits = next((values[index] for values in periods if values[index] is not _UNKNOWN), None)
            if bits is not None:
                (used if bits & _DESKTOP else unused).add(DESKTOP_APPS)
            size, archive = (None if values[index] is _UNKNOWN else values[index] for values in (sizes, archives))
            yield KnownUse(used=frozenset(used), unused=frozenset(unused), mailbox_size=size, archive=archive)

    def _refreshed(self, atoms: Sequence[Selector]) -> Mapping[Source, str]:
        """Return the reports that the selectors read, each with the last day that it covers."""
        sources = {SOURCE_OF_COLUMN[column] for atom in atoms for column in report_columns(atom)}
        dates = self._bound.facts.refresh_dates
        return {source: dates[source].isoformat() for source in Source if source in sources and source in dates}

    def _of_source(self, atom: Selector, source: Source) -> Sequence[Quote]:
        """Return the evidence for one selector from one report, for each person."""
        if all(SOURCE_OF_COLUMN[column] is not source for column in report_columns(atom)):
            return [{}] * self._people.count
        match atom:
            case InactiveIn() if source is Source.COPILOT_USAGE:
                return self._quotes(ACTIVITY_COLUMNS["copilot"], lambda day: {"lastActivityDate": _day(day)})
            case InactiveIn(services=services):
                selected = [service for service in SERVICES if service in services and service != "copilot"]
                days = zip(*(self._known(ACTIVITY_COLUMNS[service]) for service in selected), strict=True)
                return [_activity(zip(selected, user_days, strict=True)) for user_days in days]
            case AppsUnused(period=period):
                return self._quotes(APP_USAGE_COLUMNS[period], lambda bits: {"used": {period: _apps(bits)}})
            case _:
                (column,) = report_columns(atom)
                return self._quotes(column, lambda value: {_MAILBOX[column]: value})

    def _quotes(self, column: str, quote: Callable[[Any], Quote]) -> Sequence[Quote]:
        """Apply `quote` to the value of a column for each person; empty if the value is not known."""
        return [{} if value is _UNKNOWN else quote(value) for value in self._known(column)]

    def _known(self, column: str) -> list[Any]:
        """Return the values of a column, with `_UNKNOWN` for facts that are not known."""
        if column not in self._values:
            values = self._people.column(column).to_pylist()
            unknown = self._people.unknown(column).tolist()
            self._values[column] = [
                _UNKNOWN if missing else value for value, missing in zip(values, unknown, strict=True)
            ]
        return self._values[column]


def _priced_offers(bound: BoundPolicies, of: ProductSet | None) -> list[Offer]:
    """Return the products for people that have a price, the most expensive first.

    Without a set, or with `*`, these are the products that the tenant owns; a set may name others, which have to be
    bought.
    """
    prices, facts = bound.prices, bound.facts
    offers = []
    owned_only = of is None or of == EVERY_PRODUCT
    for sku in facts.assignable_skus if owned_only else _products_in(bound, of):
        price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
        if price is not None and sku.plans:
            offers.append(Offer(sku_id=sku.sku_id, part_number=sku.part_number or "", plans=sku.plans, price=price))
    return sorted(offers, key=lambda offer: (-offer.price, offer.sku_id))


def _products_in(bound: BoundPolicies, of: ProductSet | None) -> Iterable[SkuFact]:
    """Yield the products for people in a set, including those of the catalogue."""
    facts = bound.facts
    if of is not None:
        in_set = bound.catalogue_masks.of(of).true
        yield from (
            sku for sku, included in zip(facts.every_sku, in_set, strict=True) if included and sku.is_for_people
        )


def _downgrade_to(policy: Policy) -> ProductSet | None:
    """Return the set from which a policy proposes smaller products, if any."""
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
    """Merge the evidence for several selectors from one report."""
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
