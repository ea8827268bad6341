"""Compares, groups and shortens reasons: messages that may list many of one kind, such as one for every group."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from auditor.domain.message import NOTHING, Count, Message, detailed, joined

_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
_SEPARATORS: Final = " ;:,"
_DETAILED: Final = detailed(NOTHING, "x").id
_MOST: Final = 3
"""Number of parts or tenants that are named if there are more than _MOST + 1."""


def kind_of(reason: Message) -> frozenset[str]:
    """Return the templates of a reason, which are equal for two reasons that differ only in their values."""
    parts = [value for value in reason.arguments.values() if isinstance(value, Message)]
    own = {reason.id} if _PLACEHOLDER.sub("", reason.id).strip(_SEPARATORS) else set()
    return frozenset(own).union(*map(kind_of, parts))


def by_reason(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Group pairs of a name and a reason: return the names that share each reason, in the order of the pairs."""
    names: dict[str, list[str]] = {}
    for name, reason in pairs:
        names.setdefault(reason, []).append(name)
    return names


def first_reasons(reason: Message) -> Message:
    """Return a reason with its first parts only, if it joins many."""
    parts = list(reason.arguments.values())
    if len(parts) <= _MOST + 1 or reason.id != joined("; ", ["x"] * len(parts)).id:
        return reason
    first = joined("; ", [str(part) if not isinstance(part, Message) else part for part in parts[:_MOST]])
    return Message("{reasons}; and {count} more reasons", reasons=first, count=Count(len(parts) - _MOST))


def without_details(reason: Message, details: Collection[str]) -> Message:
    """Return a reason without those of its details in brackets that are given elsewhere."""
    text = reason.arguments.get("text")
    if isinstance(text, Message) and reason.id == _DETAILED and reason.arguments["detail"] in details:
        return text
    parts = {
        name: without_details(value, details) if isinstance(value, Message) else value
        for name, value in reason.arguments.items()
    }
    return Message(reason.id, **parts)


def tenant_list(names: Sequence[str]) -> Message:
    """Return names of tenants as a list, or the first of them and the number of the others."""
    if len(names) <= _MOST + 1:
        return joined(", ", names)
    first = joined(", ", names[:_MOST])
    return Message("{names} and {count} more", names=first, count=Count(len(names) - _MOST))
