"""Adds decisions about seats to the actions of a plan, and reports decisions that the plan cannot apply."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, ActionKind
from auditor.domain.message import Count, Message
from auditor.domain.policy.prices import Contract
from auditor.domain.result.model import Notice
from auditor.domain.result.saved_plan import ContractSeats, DecidedSeats, SubscriptionSeats
from auditor.domain.translation import N_, Localizer
from auditor.engine.policy.binding import BoundPolicies
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.simulation.membership_reasons import code
from auditor.remedy.planner.simulation.seat_answers import (
    DecidedSeatChange,
    contracts_about,
    renewed_rows,
    subscriptions_of,
)


def seat_notices(
    decided: Mapping[str, DecidedSeatChange], followed: Mapping[str, DecidedSeatChange], unfollowed: Mapping[str, str]
) -> Iterator[Notice]:
    """Yield a notice for each decision about seats that the plan applies only in part or not at all."""
    for sku_id, change in decided.items():
        seats = followed[sku_id].sku.enabled if sku_id in followed else change.before.enabled
        if seats == change.sku.enabled:
            continue
        ids = ", ".join(dict.fromkeys(answer.decision.id for answer in change.decisions))
        product = change.sku.part_number or sku_id
        if sku_id in unfollowed:
            message = Message(
                "the decision {id} about the seats of {product} is not applied: {reason}",
                id=ids,
                product=product,
                reason=unfollowed[sku_id],
            )
        else:
            message = Message(
                "the decision {id} results in {decided} seats of {product}, but the plan in "
                "{seats}: it keeps seats in use and violates no policy",
                id=ids,
                decided=Count(change.sku.enabled or 0),
                product=product,
                seats=Count(seats or 0),
            )
        yield Notice(code="decision.seats", message=message, subject=ids)


def decided_seats(
    actions: Sequence[Action], seats: Mapping[str, DecidedSeatChange], bound: BoundPolicies, agreed: Iterable[Contract]
) -> tuple[DecidedSeats, ...]:
    """Return the decided seats of products, each with the number of the action that carries it out.

    `agreed` are the contracts of the tenant whose number of seats will change.
    """
    numbered = sorted(
        enumerate(actions, start=1),
        key=lambda item: (item[1].kind in NUMBERED, item[1].kind == ActionKind.TRIAL, -item[0]),
    )
    action_numbers = {
        action.sku_id: number
        for number, action in numbered
        if action.sku_id in seats and _carries_out(action, seats[action.sku_id])
    }
    contracts = tuple(agreed)
    return tuple(
        DecidedSeats(
            action=action_numbers.get(sku_id),
            sku_id=sku_id,
            enabled_before=change.before.enabled or 0,
            enabled=change.sku.enabled or 0,
            subscriptions=tuple(_renewed(change, bound.facts.subscriptions)),
            contracts=tuple(
                ContractSeats(id=item.id, seats=item.seats or 0) for item in contracts_about(bound, contracts, sku_id)
            ),
            decisions=tuple(dict.fromkeys(answer.decision.id for answer in change.decisions)),
        )
        for sku_id, change in sorted(seats.items())
    )


def _carries_out(action: Action, change: DecidedSeatChange) -> bool:
    """Return whether an action is about decided seats; a number of paid seats is not about the end of a trial."""
    return action.kind not in NUMBERED or change.paid_change != 0


def _renewed(change: DecidedSeatChange, rows: Iterable[Mapping[str, Any]]) -> Iterator[SubscriptionSeats]:
    current = subscriptions_of(change.sku.sku_id, rows)
    after = {row["id"]: row for row in renewed_rows([change], current)}
    for row in current:
        renewed = after.get(row["id"], {**row, "totalLicenses": 0})
        if renewed != row:
            yield SubscriptionSeats(
                id=row["id"],
                total_licenses=renewed["totalLicenses"],
                next_lifecycle_date_time=renewed["nextLifecycleDateTime"],
            )


def with_seat_steps(
    actions: Sequence[Action],
    proposals: Collection[EvaluatedProposal],
    asked: AbstractSet[str],
    seats: Mapping[str, DecidedSeatChange],
    decided: Iterable[DecidedSeats],
    l10n: Localizer,
) -> Iterator[Action]:
    """Add the decision to actions that carry out `decided`, and refer to these in actions that take or free the seats.

    Actions with a number of seats say how many depend on open questions; `asked` are the findings of these questions.
    """
    seats_by_finding = {
        finding.fingerprint: evaluated.option.seats for evaluated in proposals for finding in evaluated.fixed
    }
    by_product = {seat_decision.sku_id: seat_decision for seat_decision in decided}
    for number, action in enumerate(actions, start=1):
        seat_decision = by_product.get(action.sku_id)
        if seat_decision is not None and _carries_out(action, seats[action.sku_id]):
            contract_steps = (
                [_agreed(contract, l10n) for contract in seat_decision.contracts]
                if seat_decision.action == number
                else []
            )
            sentence = _decided_seats(seats[seat_decision.sku_id], l10n)
            yield replace(action, prerequisites=(sentence, *action.prerequisites), next=(*action.next, *contract_steps))
            continue
        if action.kind in NUMBERED:
            notes = _seat_notes(action.sku_id, proposals, asked, l10n)
            yield replace(action, prerequisites=(*action.prerequisites[:1], *notes, *action.prerequisites[1:]))
            continue
        changes: dict[str, int] = {}
        for fingerprint in action.findings if action.requests else ():
            changes |= seats_by_finding.get(fingerprint, {})
        prerequisites, next_steps = _references(changes, by_product, seats, l10n)
        yield replace(action, prerequisites=(*action.prerequisites, *prerequisites), next=(*action.next, *next_steps))


def _seat_notes(
    sku_id: str, proposals: Collection[EvaluatedProposal], asked: AbstractSet[str], l10n: Localizer
) -> Iterator[str]:
    """Yield what changes the number of seats of a product, and why it differs from that of the report."""
    changes = [proposal for proposal in proposals if proposal.option.seats.get(sku_id)]
    unanswered = (change for change in changes if any(finding.fingerprint in asked for finding in change.fixed))
    count = sum(abs(change.option.seats[sku_id]) for change in unanswered)
    if count:
        yield l10n.plural(
            "{count} of the seats that are freed or assigned depends on an open question: a "
            "different answer changes the number.",
            "{count} of the seats that are freed or assigned depend on open questions: "
            "different answers change the number.",
            count,
        )
    if changes:
        yield l10n.gettext(
            "This number counts the products that the plan chooses for people. The number of the report leaves these "
            "choices out and can differ."
        )


def _references(
    changes: Mapping[str, int],
    decided: Mapping[str, DecidedSeats],
    seats: Mapping[str, DecidedSeatChange],
    l10n: Localizer,
) -> tuple[list[str], list[str]]:
    """Return references to actions that buy seats first, and to actions that give back freed seats afterwards."""
    prerequisites: list[str] = []
    next_steps: list[str] = []
    for sku_id, change in sorted(changes.items()):
        seat_decision = decided.get(sku_id)
        if seat_decision is None or seat_decision.action is None:
            continue
        names = {"product": code(seats[sku_id].sku.part_number or sku_id), "number": seat_decision.action}
        if change > 0 and seat_decision.enabled > seat_decision.enabled_before:
            prerequisites.append(l10n.gettext("First buy the seats of {product}: action {number}.", **names))
        elif change < 0 and seat_decision.enabled < seat_decision.enabled_before:
            text = N_("Remove the seats of {product}: action {number}. Until then, policies can report them as spare.")
            next_steps.append(l10n.gettext(text, **names))
    return prerequisites, next_steps


def _decided_seats(change: DecidedSeatChange, l10n: Localizer) -> str:
    return l10n.gettext(
        "Enabled seats of {product}, decided by {by} ({id}): {seats}.",
        product=code(change.sku.part_number or change.sku.sku_id),
        by=code(", ".join(dict.fromkeys(answer.decision.by for answer in change.decisions))),
        id=code(", ".join(dict.fromkeys(answer.decision.id for answer in change.decisions))),
        seats=l10n.number(change.sku.enabled or 0),
    )


def _agreed(contract: ContractSeats, l10n: Localizer) -> str:
    return l10n.gettext(
        "Once this is agreed, set the seats of the contract {id} in the policies to {count}.",
        count=l10n.number(contract.seats),
        id=code(contract.id),
    )
