"""What answers about purchases and renewals make of the seats of products."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.policy.decision import Answer, AnswerKind
from auditor.domain.policy.model import Seats
from auditor.domain.policy.prices import MONTHS, months_before
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.seat_bounds import usable_range
from auditor.engine.skus.seat_prices import contracts_of
from auditor.engine.tenant_facts import SkuFact

ABOUT_SEATS = frozenset({AnswerKind.RENEWAL, AnswerKind.PURCHASE})
"""Answers that change how many seats of a product there are."""


class SeatChange(Struct, frozen=True, kw_only=True):
    """What decisions make of the seats of a product."""

    sku: SkuFact
    """The product as it will be."""
    before: SkuFact
    decisions: tuple[Answer, ...]
    subscriptions: Mapping[str, int | None]
    """Subscription → its seats then; None where it is not renewed."""
    dates: Mapping[str, datetime] = field(default_factory=dict)
    """Subscription → its next lifecycle date once it is renewed, where a contract names the term."""

    @property
    def change(self) -> int:
        """The usable seats that come (+) or go (−)."""
        return (self.sku.usable or 0) - (self.before.usable or 0)


def seat_changes_of(bound: BoundPolicies, answers: Iterable[Answer]) -> Mapping[str, SeatChange]:
    """Return what answers make of the seats of products, by skuId; what changes neither number nor date is left out.

    An answer about a whole product says how many seats it has then, whatever the answers about its subscriptions are.
    """
    facts = bound.facts
    subscriptions = {row["id"]: row for row in facts.subscriptions}
    changes: dict[str, SeatChange] = {}
    for answer in sorted(answers, key=lambda each: each.question.subject in facts.index):
        subject = answer.question.subject
        row = subscriptions.get(subject)
        sku_id = (row["skuId"] or "").lower() if row is not None else subject
        index = facts.index.get(sku_id)
        if index is None or facts.skus[index].enabled is None or facts.skus[index].warning is None:
            continue
        before = facts.skus[index]
        change = changes.get(sku_id, SeatChange(sku=before, before=before, decisions=(), subscriptions={}))
        terms = _terms(bound, index)
        changed = (
            _renewal(change, row, answer, terms) if answer.kind is AnswerKind.RENEWAL else _purchase(change, answer)
        )
        if changed is not None:
            changes[sku_id] = replace(changed, decisions=(*change.decisions, answer))
    return {sku_id: change for sku_id, change in changes.items() if change.sku != change.before or change.dates}


def _terms(bound: BoundPolicies, index: int) -> set[str]:
    """Return the terms of the contracts that hold today and are about a product."""
    facts = bound.facts
    contracts = contracts_of(facts.policies, facts.manifest.tenant)
    holding = [contract for contract in contracts if contract.holds(facts.as_of.date())]
    return {contract.term for contract in holding if bound.masks.of(contract.products).true[index]}


def _purchase(change: SeatChange, answer: Answer) -> SeatChange:
    return replace(change, sku=replace(change.sku, enabled=(change.sku.enabled or 0) + int(answer.value["seats"])))


def _renewal(
    change: SeatChange, row: Mapping[str, Any] | None, answer: Answer, terms: Collection[str]
) -> SeatChange | None:
    """Return the seats after a renewal; None for a subscription of which no seat counts as enabled.

    The next date is later by the term of the contract; without one, or with several terms, nobody knows it.
    """
    renews, seats = bool(answer.value["renew"]), answer.value.get("seats")
    if row is None:
        count = change.before.enabled if seats is None else int(seats)
        return replace(change, sku=replace(change.sku, enabled=count if renews else 0))
    total = row["totalLicenses"]
    if (row["status"] or "").casefold() != "enabled" or not isinstance(total, int):
        return None
    then = (total if seats is None else int(seats)) if renews else None
    enabled = max(0, (change.sku.enabled or 0) - total) + (then or 0)
    return replace(
        change,
        sku=replace(change.sku, enabled=enabled),
        subscriptions={**change.subscriptions, row["id"]: then},
        dates={**change.dates, **(_renewed_date(row, *terms) if renews and len(terms) == 1 else {})},
    )


def _renewed_date(row: Mapping[str, Any], term: str) -> Mapping[str, datetime]:
    day = row["nextLifecycleDateTime"]
    if day is None or row["isTrial"]:
        return {}
    return {row["id"]: datetime.combine(months_before(day.date(), -MONTHS[term]), day.timetz())}


def followed(change: SeatChange, consumed: int, blocks: Iterable[Seats]) -> SeatChange:
    """Return the seats as far as they can follow the decisions: none in use goes, and no policy is broken by them.

    `consumed` seats are in use once everybody has changed; `blocks` are what policies say about spare ones.
    """
    warning = change.sku.warning or 0
    before, then = change.before.enabled or 0, change.sku.enabled or 0
    least, most = [consumed - warning], []
    for block in blocks:
        grace = warning if block.count_grace_units else 0
        low, high = usable_range(consumed, block.minimum, block.maximum)
        least += [] if low is None else [low - grace]
        most += [] if high is None else [high - grace]
    enabled = min(before, max(then, *least)) if then < before else max(before, min([then, *most]))
    if enabled == then:
        return change
    return replace(change, sku=replace(change.sku, enabled=enabled))


def followed_renewals(
    answers: Mapping[str, Iterable[Answer]], decided: Mapping[str, SeatChange], seats: Mapping[str, SeatChange]
) -> Iterator[tuple[str, bool]]:
    """Yield the fingerprints of findings with a decision about a renewal, and whether it is to renew.

    Of the `decided` changes of seats those that are not in `seats` are not followed: their findings stay questions.
    """
    unfollowed = [answer for sku_id, each in decided.items() if sku_id not in seats for answer in each.decisions]
    for fingerprint, own in answers.items():
        for answer in own:
            if answer.kind is AnswerKind.RENEWAL and answer not in unfollowed:
                yield fingerprint, bool(answer.value["renew"])


def renewed_rows(changes: Iterable[SeatChange], rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of subscriptions with the seats of a decided future, which add up to those of the products.

    Seats of a product that no answer about a subscription covers are taken from, or added to, the subscriptions that
    end first. A subscription without seats is left out.
    """
    rows_by_id = {row["id"]: row for row in rows}
    for change in changes:
        own = [row for row in rows_by_id.values() if (row["skuId"] or "").lower() == change.sku.sku_id]
        alive = [row for row in own if (row["status"] or "").casefold() == "enabled" and not row["isTrial"]]
        alive.sort(key=lambda row: (row["nextLifecycleDateTime"] is None, row["nextLifecycleDateTime"], row["id"]))
        seats = {row["id"]: row["totalLicenses"] or 0 for row in alive}
        rest = (change.sku.enabled or 0) - (change.before.enabled or 0)
        for name in change.subscriptions.keys() & seats.keys():
            rest += seats[name] - (change.subscriptions[name] or 0)
            seats[name] = change.subscriptions[name] or 0
        for name, count in seats.items():
            difference = max(rest, -count)
            seats[name] = count + difference
            rest -= difference
        rows_by_id |= {name: {**rows_by_id[name], "totalLicenses": count} for name, count in seats.items()}
        rows_by_id |= {name: {**rows_by_id[name], "nextLifecycleDateTime": day} for name, day in change.dates.items()}
        rows_by_id = {name: row for name, row in rows_by_id.items() if seats.get(name) != 0}
    return list(rows_by_id.values())
