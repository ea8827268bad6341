"""Parses $filter into a predicate and lists its properties and operators (Graph: Use the $filter query parameter)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field

from tests.emulator.wire import GraphError

Getter = Callable[[str], Any]
Predicate = Callable[[Getter], bool]
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<punctuation>[(),:])"
    r"|(?P<word>[^\s(),:']+(?::\d\d(?:\.\d+)?(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?))"
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ge": lambda a, b: a is not None and b is not None and a >= b,
    "le": lambda a, b: a is not None and b is not None and a <= b,
    "gt": lambda a, b: a is not None and b is not None and a > b,
    "lt": lambda a, b: a is not None and b is not None and a < b,
}


class Filter(Struct, kw_only=True):
    """A parsed $filter; `advanced` is the operator that requires ConsistencyLevel and $count, or None."""

    matches: Predicate
    properties: set[str] = field(default_factory=set)
    operators: set[tuple[str, str]] = field(default_factory=set)
    advanced: str | None = None
    prefix: tuple[str, str] | None = None


def invalid(text: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Invalid filter clause: {text}")


class _Parser:
    """Recursive descent parser for the tokens of one $filter."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self.result = Filter(matches=lambda _: True)

    def parse(self) -> Filter:
        self.result.matches = self._disjunction()
        if self._next != len(self._tokens):
            raise invalid(f"Syntax error at '{self._tokens[self._next]}'.")
        return self.result

    def _peek(self) -> str | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, expected: str | None = None) -> str:
        token = self._peek()
        if token is None:
            raise invalid("Expression expected at the end.")
        if expected is not None and token.lower() != expected:
            raise invalid(f"'{expected}' expected, '{token}' found.")
        self._next += 1
        return token

    def _accept(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.lower() != word:
            return False
        self._next += 1
        return True

    def _disjunction(self) -> Predicate:
        terms = [self._conjunction()]
        while self._accept("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda get: any(term(get) for term in terms)

    def _conjunction(self) -> Predicate:
        terms = [self._factor()]
        while self._accept("and"):
            terms.append(self._factor())
        return terms[0] if len(terms) == 1 else lambda get: all(term(get) for term in terms)

    def _factor(self) -> Predicate:
        if self._accept("not"):
            self.result.advanced = "not"
            inner = self._factor()
            return lambda get: not inner(get)
        if self._accept("("):
            inner = self._disjunction()
            self._take(")")
            return inner
        word = self._take()
        if word.lower() in {"startswith", "endswith"}:
            return self._function(word.lower())
        if self._peek() == "(" and word.lower().endswith("/any"):
            return self._any(word[:-4])
        return self._comparison(word)

    def _function(self, name: str) -> Predicate:
        self._take("(")
        target = self._take()
        self._take(",")
        fragment = str(literal(self._take())).casefold()
        self._take(")")
        self._use(target, name)
        if name == "endswith":
            self.result.advanced = "endsWith"
            return lambda get: str(get(target) or "").casefold().endswith(fragment)
        if len(self._tokens) == 6:
            self.result.prefix = (target, fragment)
        return lambda get: str(get(target) or "").casefold().startswith(fragment)

    def _any(self, collection: str) -> Predicate:
        self._take("(")
        variable = self._take()
        self._take(":")
        target = self._take()
        operator = self._take().lower()
        operand = fold_case(literal(self._take()))
        self._take(")")
        if operator != "eq":
            raise invalid(f"Operator '{operator}' is not supported inside any().")
        self._use(collection, "any")
        key = target.removeprefix(variable).removeprefix("/")
        return lambda get: any(fold_case(row.get(key) if key else row) == operand for row in get(collection) or ())

    def _comparison(self, target: str) -> Predicate:
        operator = self._take().lower()
        if operator == "in":
            return self._membership(target)
        compare = COMPARISONS.get(operator)
        if compare is None:
            raise invalid(f"Syntax error: '{operator}' is not an operator.")
        operand = fold_case(literal(self._take()))
        if target.endswith("/$count"):
            collection = target.removesuffix("/$count")
            self._use(collection, "$count")
            self.result.advanced = "$count"
            return lambda get: compare(len(get(collection) or ()), operand)
        self._use(target, operator)
        if operator == "ne":
            self.result.advanced = "ne"
        return lambda get: compare(fold_case(read_path(get, target)), operand)

    def _membership(self, target: str) -> Predicate:
        self._take("(")
        operand = {fold_case(literal(self._take()))}
        while self._accept(","):
            operand.add(fold_case(literal(self._take())))
        self._take(")")
        self._use(target, "in")
        return lambda get: fold_case(read_path(get, target)) in operand

    def _use(self, target: str, operator: str) -> None:
        name = target.split("/", 1)[0]
        self.result.properties.add(name)
        self.result.operators.add((name, operator))


def _tokens(text: str) -> Iterator[str]:
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = TOKEN.match(stripped, position)
        if match is None:
            raise invalid(f"Syntax error at position {position} in '{text}'.")
        position = match.end()
        yield match.group().strip()


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


def read_path(get: Getter, target: str) -> Any:
    """Return the value at a path such as `signInActivity/lastSignInDateTime`."""
    first, *rest = target.split("/")
    value = get(first)
    for step in rest:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def parse(text: str) -> Filter:
    """Parse a filter; raises GraphError 400 with the position of a syntax error."""
    if not text.strip():
        raise invalid("empty.")
    return _Parser(text).parse()
