"""Parses $filter into a predicate and lists its properties (Graph: Use the $filter query parameter).

Comparisons and `startswith`, joined with `and`: what the auditor asks.
"""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tests.emulator.wire import GraphError

Getter = Callable[[str], Any]
Predicate = Callable[[Getter], bool]
_TEXT = r"'(?:[^']|'')*'"
TERM = re.compile(
    rf"startswith\((?P<target>\w+),(?P<prefix>{_TEXT})\)"
    rf"|(?P<name>\w+)(?P<count>/\$count)? (?P<operator>eq|ne|ge|le|gt|lt) (?P<operand>{_TEXT}|[\w.:-]+)"
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ge": lambda a, b: a is not None and b is not None and a >= b,
    "le": lambda a, b: a is not None and b is not None and a <= b,
    "gt": lambda a, b: a is not None and b is not None and a > b,
    "lt": lambda a, b: a is not None and b is not None and a < b,
}


class Filter(Struct, frozen=True, kw_only=True):
    """A parsed $filter; `advanced` is the operator that requires ConsistencyLevel and $count, or None."""

    matches: Predicate
    properties: frozenset[str]
    advanced: str | None


def parse(text: str) -> Filter:
    """Parse a filter; raises GraphError 400 with the position of a syntax error."""
    predicates: list[Predicate] = []
    properties: set[str] = set()
    advanced: str | None = None
    position = 0
    while True:
        term = TERM.match(text, position)
        if term is None:
            raise GraphError(400, "BadRequest", f"Invalid filter clause: Syntax error at position {position}.")
        if term["target"]:
            predicates.append(_starting(term["target"], str(literal(term["prefix"])).casefold()))
        else:
            predicates.append(_comparison(term))
            advanced = "$count" if term["count"] else "ne" if term["operator"] == "ne" else advanced
        properties.add(term["target"] or term["name"])
        position = term.end()
        if position == len(text):
            break
        if not text.startswith(" and ", position):
            raise GraphError(400, "BadRequest", f"Invalid filter clause: Syntax error at position {position}.")
        position += len(" and ")
    return Filter(
        matches=lambda get: all(predicate(get) for predicate in predicates),
        properties=frozenset(properties),
        advanced=advanced,
    )


def _starting(name: str, prefix: str) -> Predicate:
    return lambda get: str(get(name) or "").casefold().startswith(prefix)


def _comparison(term: re.Match[str]) -> Predicate:
    name, compare, operand = term["name"], COMPARISONS[term["operator"]], fold_case(literal(term["operand"]))
    if term["count"]:
        return lambda get: compare(len(get(name) or ()), operand)
    return lambda get: compare(fold_case(get(name)), operand)


def literal(token: str) -> Any:
    """Return the value of an OData literal: a text, true, false, null, a number; instants and GUIDs as text."""
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    literals: dict[str, Any] = {"true": True, "false": False, "null": None}
    if token.lower() in literals:
        return literals[token.lower()]
    return int(token) if token.lstrip("-").isdigit() else token


def fold_case(value: Any) -> Any:
    """Return the value for comparison: the directory ignores letter case."""
    return value.casefold() if isinstance(value, str) else value
