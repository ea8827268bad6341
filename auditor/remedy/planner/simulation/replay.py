"""Replays the requests of actions on a copy of a tenant: who is changed by each, and why it is refused."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.result.saved_plan import HoldingChange
from auditor.remedy.planner.simulation.accounts import Account, seat_balance
from auditor.remedy.planner.simulation.tenant import TenantState, apply
from auditor.remedy.requests import GraphRequest


class ReplayedRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One request, and the people before and after it."""

    position: int
    """The number of its action, from 1."""
    action: str
    """The id of the action."""
    number: int
    """Its number within the action, from 1."""
    request: GraphRequest
    user: str
    """Empty if the request changes the licences of a group."""
    group: str
    """Empty if the request changes only a person."""
    before: Mapping[str, Account]
    """The existing people whom it is about, by id."""
    after: Mapping[str, Account]
    group_licences: tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]
    """The licences that the group gives before and after it."""
    refusal: str | None
    """The error that Graph would return; nothing is changed then."""

    @property
    def seats(self) -> dict[str, int]:
        """The seats that it takes, by skuId; negative for those that it frees."""
        return seat_balance((self.before[user], account) for user, account in self.after.items())


class SeatEffect(Struct, frozen=True, kw_only=True):
    """The seats that the requests of an action free and assign."""

    freed: int = 0
    assigned: int = 0


def replayed(state: TenantState, actions: Iterable[Action]) -> Iterator[ReplayedRequest]:
    """Apply the requests of actions in order to a state, which is changed in place, and yield each."""
    for position, action in enumerate(actions, start=1):
        for number, document in enumerate(action.requests, start=1):
            request = GraphRequest.of(document)
            target = request.target
            user, group = target.user, target.group
            people = (user,) if user else state.members.get(group, ())
            before = {person: state.accounts[person] for person in people if person in state.accounts}
            licences = state.groups.get(group, {})
            refusal = apply(state, request)
            yield ReplayedRequest(
                position=position,
                action=action.id,
                number=number,
                request=request,
                user=user,
                group=group,
                before=before,
                after={person: state.accounts[person] for person in before},
                group_licences=(licences, state.groups.get(group, {})),
                refusal=refusal,
            )


def holding_changes(steps: Iterable[ReplayedRequest]) -> Iterator[HoldingChange]:
    """Yield the products that people lose and get, for each action and person."""
    for number, action_steps in groupby(steps, key=lambda step: step.position):
        held: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        for step in action_steps:
            for user, account in step.after.items():
                before = held[user][0] if user in held else step.before[user].held
                held[user] = before, account.held
        for user, (before, now) in held.items():
            if before != now:
                lost, gained = tuple(sorted(before - now)), tuple(sorted(now - before))
                yield HoldingChange(action=number, user=user, lost=lost, gained=gained)


def seat_effects(actions: Sequence[Action], changes: Iterable[HoldingChange]) -> dict[str, SeatEffect]:
    """Return the seats that each action with requests frees and assigns, by the id of the action."""
    balances: dict[str, Counter[str]] = {action.id: Counter() for action in actions if action.requests}
    for change in changes:
        balance = balances[actions[change.action - 1].id]
        balance.update(change.gained)
        balance.subtract(change.lost)
    return {
        action: SeatEffect(
            freed=-sum(count for count in balance.values() if count < 0),
            assigned=sum(count for count in balance.values() if count > 0),
        )
        for action, balance in balances.items()
    }
