"""Tells what decisions about seats mean: for the actions that need them, and where a plan cannot follow them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from auditor.domain.message import Message
from auditor.domain.policy.prices import Contract
from auditor.domain.result.model import Action, Notice
from auditor.remedy.messages import Localizer
from auditor.remedy.numbers import number_label
from auditor.remedy.planner.proposals.evaluation import Weighed
from auditor.remedy.planner.simulation.membership_reasons import code
from auditor.remedy.planner.simulation.seat_answers import SeatChange


def seat_notices(
    decided: Mapping[str, SeatChange], followed: Mapping[str, SeatChange], unfollowed: Mapping[str, str]
) -> Iterator[Notice]:
    """Yield a notice for each decision about seats that the plan follows in part or not at all."""
    for sku_id, change in decided.items():
        then = followed[sku_id].sku.enabled if sku_id in followed else change.before.enabled
        if then == change.sku.enabled:
            continue
        ids = ", ".join(dict.fromkeys(answer.decision for answer in change.decisions))
        product = change.sku.part_number or sku_id
        if sku_id in unfollowed:
            message = Message(
                "the decision {id} about the seats of {product} is not followed: {reason}",
                id=ids,
                product=product,
                reason=unfollowed[sku_id],
            )
        else:
            message = Message(
                "the decision {id} leads to {decided} seats of {product}, and the plan to {seats}: seats in use stay, "
                "and no policy is broken",
                id=ids,
                decided=change.sku.enabled or 0,
                product=product,
                seats=then or 0,
            )
        yield Notice(code="decision.seats", message=message, subject=ids)


def with_seat_steps(
    actions: Iterable[Action],
    taken: Iterable[Weighed],
    seats: Mapping[str, SeatChange],
    contracts: Mapping[str, Contract],
    l10n: Localizer,
) -> Iterator[Action]:
    """Add to actions that take or free seats which decisions have to be carried out before or after them.

    `contracts` are those that will be about another number of seats, by the id of the contract.
    """
    agreed = [_agreed(contract, l10n) for contract in contracts.values()]
    moved = {finding.fingerprint: each.option.seats for each in taken for finding in each.fixed}
    for action in actions:
        changes: dict[str, int] = {}
        for fingerprint in action.findings if action.requests else ():
            changes |= moved.get(fingerprint, {})
        own = [(seats[sku_id], change) for sku_id, change in sorted(changes.items()) if sku_id in seats]
        first = [_decided_seats(each, l10n) for each, change in own if each.change > 0 and change > 0]
        then = [_decided_seats(each, l10n) for each, change in own if each.change < 0 and change < 0]
        written = agreed if first or then else []
        yield replace(action, prerequisites=(*action.prerequisites, *first), next=(*action.next, *then, *written))


def _decided_seats(change: SeatChange, l10n: Localizer) -> str:
    text = (
        l10n.gettext("Seats of {product} to buy first: {count}, {seats} in all. Decided by {by} ({id}).")
        if change.change > 0
        else l10n.gettext(
            "Seats of {product} to give back: {count}; {seats} stay. Until then policies report them as idle. "
            "Decided by {by} ({id})."
        )
    )
    return text.format(
        by=code(", ".join(dict.fromkeys(answer.by for answer in change.decisions))),
        id=code(", ".join(dict.fromkeys(answer.decision for answer in change.decisions))),
        count=number_label(l10n, abs(change.change)),
        product=code(change.sku.part_number or change.sku.sku_id),
        seats=number_label(l10n, change.sku.enabled or 0),
    )


def _agreed(contract: Contract, l10n: Localizer) -> str:
    return l10n.gettext("Write {count} seats into the contract {id} of the policies once that is agreed.").format(
        count=number_label(l10n, contract.seats), id=code(contract.id)
    )
