"""Evaluates rules of dynamic groups: whether a user with given properties is a member, as far as can be computed."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from auditor.domain.policy.selector import USER_PROPERTIES

_PROPERTY: Final = re.compile(r"\buser\.([A-Za-z0-9_]+)", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<sign>[()\[\],])|(?P<text>"(?:[^"`]|`.)*"|'(?:[^']|'')*')|(?P<word>-?[A-Za-z][A-Za-z0-9_.]*))""",
)
_GRAPH_NAMES: Final = {name.casefold(): name for name in USER_PROPERTIES}
_MAX_DEPTH: Final = 40
"""Maximum depth of nested parentheses; a rule with more is not evaluated."""

_NEGATIONS: Final = {"ne": "eq", "notin": "in", "notstartswith": "startswith", "notcontains": "contains"}

Truth = bool | None
"""None if it is not known."""


class _Comparison(NamedTuple):
    name: str
    operator: str
    value: Any


class _UnreadableRuleError(Exception):
    """A rule has a part that is not evaluated."""


def rule_properties(rule: str) -> tuple[str, ...]:
    """Return the user properties in a rule, in order of appearance, with Graph's upper and lower case if known."""
    return tuple(dict.fromkeys(_GRAPH_NAMES.get(name.casefold(), name) for name in _PROPERTY.findall(rule)))


def rule_matches(rule: str, values: Mapping[str, Any]) -> Truth:
    """Return whether a rule matches a user with these properties; None if it uses others or cannot be evaluated.

    Comparisons of texts and of `accountEnabled` are evaluated, with `-and`, `-or` and `-not`. Regular expressions,
    properties with several values, devices and other groups are not.
    """
    try:
        parsed = _parse(rule)
    except _UnreadableRuleError:
        return None
    return _evaluate(parsed, {name.casefold(): value for name, value in values.items()})


def _evaluate(node: Any, values: Mapping[str, Any]) -> Truth:
    if isinstance(node, _Comparison):
        return _compare(node, values)
    operator, *parts = node
    verdicts = [_evaluate(part, values) for part in parts]
    if operator == "not":
        return None if verdicts[0] is None else not verdicts[0]
    decisive: bool = operator == "or"
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _compare(comparison: _Comparison, values: Mapping[str, Any]) -> Truth:
    if comparison.name not in values:
        return None
    actual, expected, operator = values[comparison.name], comparison.value, comparison.operator
    if isinstance(actual, bool) or isinstance(expected, bool):
        return actual is expected if isinstance(expected, bool) else None
    if actual is None or expected is None:
        return actual is expected if operator == "eq" else False
    text = str(actual).casefold()
    match operator:
        case "eq":
            return bool(text == expected)
        case "in":
            return text in expected
        case "startswith":
            return text.startswith(expected)
        case _:
            return expected in text


@lru_cache(maxsize=256)
def _parse(rule: str) -> Any:
    """Return comparisons within tuples that begin with `and`, `or` or `not`. Raises _UnreadableRuleError."""
    tokens = deque(_tokens(rule))
    node = _parse_operands(tokens, 0, "or")
    if tokens:
        raise _UnreadableRuleError
    return node


def _tokens(rule: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(rule.rstrip())
    while position < end:
        match = _TOKEN.match(rule, position)
        if match is None or match.lastgroup is None:
            raise _UnreadableRuleError
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


_Tokens = deque[tuple[str, str]]


def _parse_operands(tokens: _Tokens, depth: int, operator: str) -> Any:
    """Parse operands joined by `or`, or by `and`, which binds them more closely."""

    def parse() -> Any:
        return _parse_operand(tokens, depth) if operator == "and" else _parse_operands(tokens, depth, "and")

    parts = [parse()]
    while tokens and _word(tokens[0]) == operator:
        tokens.popleft()
        parts.append(parse())
    return (operator, *parts)


def _parse_operand(tokens: _Tokens, depth: int) -> Any:
    if not tokens or depth > _MAX_DEPTH:
        raise _UnreadableRuleError
    if _word(tokens[0]) == "not":
        tokens.popleft()
        return ("not", _parse_operand(tokens, depth + 1))
    if tokens[0] != ("sign", "("):
        return _parse_comparison(tokens)
    tokens.popleft()
    node = _parse_operands(tokens, depth + 1, "or")
    _skip(tokens, ")")
    return node


def _skip(tokens: _Tokens, sign: str) -> None:
    if not tokens or tokens.popleft() != ("sign", sign):
        raise _UnreadableRuleError


def _parse_comparison(tokens: _Tokens) -> Any:
    if len(tokens) < 3 or not _word(tokens[0]).startswith("user."):
        raise _UnreadableRuleError
    name, operator = _word(tokens.popleft()).removeprefix("user."), _word(tokens.popleft())
    value = _parse_value(tokens)
    positive = _NEGATIONS.get(operator, operator)
    if positive not in {"eq", "in", "startswith", "contains"} or isinstance(value, list) != (positive == "in"):
        raise _UnreadableRuleError
    comparison = _Comparison(name, positive, value)
    return comparison if positive == operator else ("not", comparison)


def _parse_value(tokens: _Tokens) -> Any:
    kind, text = tokens.popleft()
    if (kind, text) == ("sign", "["):
        values: list[str] = []
        while tokens and tokens[0][0] == "text":
            values.append(_text(tokens.popleft()[1]))
            if tokens and tokens[0] == ("sign", ","):
                tokens.popleft()
        _skip(tokens, "]")
        return values
    if kind == "text":
        return _text(text)
    constants = {"true": True, "false": False, "null": None}
    if text.casefold() not in constants:
        raise _UnreadableRuleError
    return constants[text.casefold()]


def _text(quoted: str) -> str:
    quote, inner = quoted[0], quoted[1:-1]
    return (inner.replace("''", "'") if quote == "'" else re.sub(r"`(.)", r"\1", inner)).casefold()


def _word(token: tuple[str, str]) -> str:
    return token[1].casefold().removeprefix("-") if token[0] == "word" else ""
