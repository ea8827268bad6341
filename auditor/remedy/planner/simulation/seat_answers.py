"""Computes how answers about purchases and renewals change the seats of products, and the contracts about them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.policy.decision import Answer, AnswerKind
from auditor.domain.policy.model import Seats
from auditor.domain.policy.prices import MONTHS, Contract, months_before
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.seat_bounds import usable_range
from auditor.engine.skus.seat_pools import purchased_units
from auditor.engine.tenant_facts import SkuFact

ABOUT_SEATS = frozenset({AnswerKind.RENEWAL, AnswerKind.PURCHASE})
"""Answers that change how many seats of a product there are."""


class DecidedSeatChange(Struct, frozen=True, kw_only=True):
    """The change of a product's seats by decisions."""

    sku: SkuFact
    """The product after the change."""
    before: SkuFact
    decisions: tuple[Answer, ...]
    subscriptions: Mapping[str, int | None]
    """Subscription id → its seats after the change; None if it is not renewed."""
    dates: Mapping[str, datetime] = field(default_factory=dict)
    """Subscription id → its next lifecycle date after the renewal, if the term is known from a contract."""

    @property
    def change(self) -> int:
        """The usable seats that are added (+) or removed (−)."""
        return (self.sku.usable or 0) - (self.before.usable or 0)

    @property
    def paid_change(self) -> int:
        """The change without the seats of trials that end; all of it if the product has only trials."""
        return self.change if self.before.costs_nothing else self.change + self.before.trial - self.sku.trial


def seat_changes_of(bound: BoundPolicies, answers: Iterable[Answer]) -> Mapping[str, DecidedSeatChange]:
    """Return the changes of seats by answers, by skuId, without those that change neither number nor date.

    An answer about a product sets its number of seats, whatever the answers about its subscriptions are.
    """
    facts = bound.facts
    subscriptions = {row["id"]: row for row in facts.subscriptions}
    changes: dict[str, DecidedSeatChange] = {}
    for answer in sorted(answers, key=lambda answer: answer.question.subject in facts.index):
        subject = answer.question.subject
        row = subscriptions.get(subject)
        sku_id = subject if row is None else _sku_id(row)
        index = facts.index.get(sku_id)
        if index is None or facts.skus[index].enabled is None or facts.skus[index].warning is None:
            continue
        before = facts.skus[index]
        change = changes.get(sku_id, DecidedSeatChange(sku=before, before=before, decisions=(), subscriptions={}))
        if answer.kind is AnswerKind.RENEWAL:
            contracts = bound.contracts_in_force
            terms = {contract.term for contract in contracts if bound.masks.of(contract.products).true[index]}
            changed = _renewal(change, row, answer, terms)
        else:
            bought = (change.sku.enabled or 0) + int(answer.value["seats"])
            changed = replace(change, sku=replace(change.sku, enabled=bought))
        if changed is not None:
            changes[sku_id] = replace(changed, decisions=(*change.decisions, answer))
    return {sku_id: change for sku_id, change in changes.items() if change.sku != change.before or change.dates}


def _renewal(
    change: DecidedSeatChange, row: Mapping[str, Any] | None, answer: Answer, terms: Collection[str]
) -> DecidedSeatChange | None:
    """Return the seats after a renewal; None for a subscription whose seats do not count as enabled.

    The next date is later by the term of the contracts about the product, if there is exactly one; else it is not
    known.
    """
    renews, seats = bool(answer.value["renew"]), answer.value.get("seats")
    if row is None:
        count = change.before.enabled if seats is None else int(seats)
        trial = change.sku.trial if renews and not change.before.costs_nothing else 0
        return replace(change, sku=replace(change.sku, enabled=count if renews else 0, trial=trial))
    total = row["totalLicenses"]
    if (row["status"] or "").casefold() != "enabled" or not isinstance(total, int):
        return None
    renewed_seats = (total if seats is None else int(seats)) if renews else None
    enabled = max(0, (change.sku.enabled or 0) - total) + (renewed_seats or 0)
    ended = max(0, total - (renewed_seats or 0)) if row["isTrial"] else 0
    return replace(
        change,
        sku=replace(change.sku, enabled=enabled, trial=max(0, change.sku.trial - ended)),
        subscriptions={**change.subscriptions, row["id"]: renewed_seats},
        dates={**change.dates, **(_renewed_date(row, *terms) if renews and len(terms) == 1 else {})},
    )


def _renewed_date(row: Mapping[str, Any], term: str) -> Mapping[str, datetime]:
    day = row["nextLifecycleDateTime"]
    if day is None or row["isTrial"]:
        return {}
    return {row["id"]: datetime.combine(months_before(day.date(), -MONTHS[term]), day.timetz())}


def feasible_change(change: DecidedSeatChange, consumed: int, blocks: Iterable[Seats]) -> DecidedSeatChange:
    """Return the part of a change that is possible: no seat in use or of a trial is removed, and no policy is violated.

    `consumed` seats are in use once everybody has changed; `blocks` are the policies' constraints on spare seats.
    """
    warning = change.sku.warning or 0
    before, target = change.before.enabled or 0, change.sku.enabled or 0
    minimums, maximums = [consumed - warning, change.sku.trial - warning], []
    for block in blocks:
        grace = warning if block.count_grace_units else 0
        low, high = usable_range(consumed, block.minimum, block.maximum)
        minimums += [] if low is None else [low - grace]
        maximums += [] if high is None else [high - grace]
    enabled = min(before, max(target, *minimums)) if target < before else max(before, min([target, *maximums]))
    if enabled == target:
        return change
    return replace(change, sku=replace(change.sku, enabled=enabled))


def followed_renewals(
    answers: Mapping[str, Iterable[Answer]],
    decided: Mapping[str, DecidedSeatChange],
    seats: Mapping[str, DecidedSeatChange],
) -> Iterator[tuple[str, bool]]:
    """Yield the fingerprints of findings with an applied decision about a renewal, and whether it is to renew.

    Changes in `decided` that are not in `seats` are not applied: their findings remain questions.
    """
    unfollowed = [answer for sku_id, change in decided.items() if sku_id not in seats for answer in change.decisions]
    for fingerprint, finding_answers in answers.items():
        for answer in finding_answers:
            if answer.kind is AnswerKind.RENEWAL and answer not in unfollowed:
                yield fingerprint, bool(answer.value["renew"])


def _sku_id(row: Mapping[str, Any]) -> str:
    """Return the skuId of a row of subscriptions; empty if Graph did not return it."""
    return (row["skuId"] or "").lower()


def subscriptions_of(sku_id: str, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of subscriptions of a product."""
    return [row for row in rows if _sku_id(row) == sku_id]


def renewed_rows(changes: Iterable[DecidedSeatChange], rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of subscriptions after decisions, with seats that add up to those of the products.

    Seats of a product that are not covered by answers about subscriptions are removed from, or added to, those that
    end first. Subscriptions without seats are left out.
    """
    rows_by_id = {row["id"]: row for row in rows}
    for change in changes:
        product_rows = subscriptions_of(change.sku.sku_id, rows_by_id.values())
        enabled_rows = [
            row
            for row in product_rows
            if (row["status"] or "").casefold() == "enabled"
            and (not row["isTrial"] or row["id"] in change.subscriptions)
        ]
        enabled_rows.sort(
            key=lambda row: (row["nextLifecycleDateTime"] is None, row["nextLifecycleDateTime"], row["id"])
        )
        seats = {row["id"]: row["totalLicenses"] or 0 for row in enabled_rows}
        remainder = (change.sku.enabled or 0) - (change.before.enabled or 0)
        for name in change.subscriptions.keys() & seats.keys():
            remainder += seats[name] - (change.subscriptions[name] or 0)
            seats[name] = change.subscriptions[name] or 0
        for name, count in seats.items():
            difference = max(remainder, -count)
            seats[name] = count + difference
            remainder -= difference
        rows_by_id |= {name: {**rows_by_id[name], "totalLicenses": count} for name, count in seats.items()}
        rows_by_id |= {name: {**rows_by_id[name], "nextLifecycleDateTime": day} for name, day in change.dates.items()}
        rows_by_id = {name: row for name, row in rows_by_id.items() if seats.get(name) != 0}
    return list(rows_by_id.values())


def agreed_contracts(bound: BoundPolicies, seats: Mapping[str, DecidedSeatChange]) -> dict[str, Contract]:
    """Return the contracts of a tenant, by id, whose number of seats will change.

    If a current contract is the only one about the seats of a product, it gets the decided number of seats.
    """
    facts = bound.facts
    contracts_by_skus: dict[tuple[int, ...], list[Contract]] = {}
    for contract in bound.contracts_in_force:
        contracts_by_skus.setdefault(tuple(np.flatnonzero(bound.masks.of(contract.products).true).tolist()), []).append(
            contract
        )
    agreed: dict[str, Contract] = {}
    for indices, contracts in contracts_by_skus.items():
        skus = [facts.skus[index] for index in indices if facts.skus[index].owned]
        changed = [seats[sku.sku_id].sku if sku.sku_id in seats else sku for sku in skus]
        units = purchased_units(changed)
        if changed != skus and len(contracts) == 1 and contracts[0].seats is not None and units is not None:
            agreed[contracts[0].id] = replace(contracts[0], seats=units)
    return agreed


def contracts_about(bound: BoundPolicies, contracts: Iterable[Contract], sku_id: str) -> list[Contract]:
    """Return the contracts whose products include a SKU of the tenant."""
    index = bound.facts.index[sku_id]
    return [contract for contract in contracts if bound.masks.of(contract.products).true[index]]


def with_agreed(
    contracts: Sequence[Contract], agreed: Mapping[str, Mapping[str, Contract]], tenants: Sequence[str]
) -> tuple[Contract, ...]:
    """Return the contracts of all tenants with the changed ones of some; `agreed` is by tenant name and contract id."""
    parts: list[Contract] = []
    for contract in contracts:
        changing = {name: changed[contract.id] for name, changed in agreed.items() if contract.id in changed}
        others = tuple(name for name in tenants if name not in changing and contract.applies_to(name))
        if others or not changing:
            parts.append(replace(contract, tenants=others) if changing else contract)
        parts += [replace(changed, tenants=(name,)) for name, changed in changing.items()]
    return tuple(parts)
