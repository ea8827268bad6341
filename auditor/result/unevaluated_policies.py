"""Policies that could not be evaluated: their number of findings, and groups of them by policy and reason."""

from collections.abc import Iterable

from msgspec import Struct

from auditor.domain.enums import Outcome
from auditor.domain.message import Message
from auditor.domain.preview import UnevaluatedPolicy
from auditor.domain.reasons import kind_of
from auditor.domain.result.model import PolicyOutcome


def known_findings(outcome: PolicyOutcome) -> int | None:
    """Return the number of findings of a policy; None if it has none because it was not evaluated."""
    return None if outcome.status is Outcome.NOT_EVALUATED and not outcome.findings else outcome.findings


class UnevaluatedGroup(Struct, frozen=True, kw_only=True):
    """A policy that could not be evaluated in some tenants, for the same kind of reason."""

    policy: str
    sides: tuple[str, ...]
    """`base`, `head` or both."""
    tenants: tuple[str, ...]
    """Names of tenants; empty for the fleet."""
    reason: Message
    """The reason in the first of the tenants; in the others, its values may differ."""


def unevaluated_groups(entries: Iterable[UnevaluatedPolicy]) -> tuple[UnevaluatedGroup, ...]:
    """Return the groups: first those that only the changed policies could not evaluate, then by number of tenants."""
    merged: dict[tuple[str, str | None, frozenset[str]], list[UnevaluatedPolicy]] = {}
    for entry in entries:
        merged.setdefault((entry.policy, entry.tenant, kind_of(entry.reason)), []).append(entry)
    groups: dict[tuple[str, frozenset[str], tuple[str, ...]], list[UnevaluatedPolicy]] = {}
    for (policy, _, kind), same in merged.items():
        sides = tuple(side for side in ("base", "head") if any(entry.side == side for entry in same))
        groups.setdefault((policy, kind, sides), []).append(same[0])
    found = [
        UnevaluatedGroup(
            policy=policy,
            sides=sides,
            tenants=tuple(entry.tenant for entry in members if entry.tenant is not None),
            reason=members[0].reason,
        )
        for (policy, _, sides), members in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (group.sides != ("head",), -len(group.tenants), group.policy)))
