"""Rules of dynamic groups: whether somebody with given properties is a member, as far as that can be computed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

_PROPERTY: Final = re.compile(r"\buser\.([A-Za-z0-9_]+)", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<sign>[()\[\],])|(?P<text>"(?:[^"`]|`.)*"|'(?:[^']|'')*')|(?P<word>-?[A-Za-z][A-Za-z0-9_.]*))""",
)
_DEEPEST: Final = 40
"""Parentheses within one another; a rule with more is not evaluated."""

_NEGATIONS: Final = {"ne": "eq", "notin": "in", "notstartswith": "startswith", "notcontains": "contains"}

Verdict = bool | None
"""None where it is not known."""


class _Comparison(NamedTuple):
    name: str
    operator: str
    value: Any


class _UnreadableRuleError(Exception):
    """A rule has a part that is not evaluated."""


def rule_properties(rule: str) -> tuple[str, ...]:
    """Return the properties of users that a rule names, in its order."""
    return tuple(dict.fromkeys(_PROPERTY.findall(rule)))


def rule_matches(rule: str, values: Mapping[str, Any]) -> Verdict:
    """Tell whether a rule matches a user with these properties; None where it names others or cannot be evaluated.

    Comparisons of texts and of `accountEnabled` are evaluated, with `-and`, `-or` and `-not`. Regular expressions,
    properties with several values, devices and other groups are not.
    """
    try:
        parsed = _parsed(rule)
    except _UnreadableRuleError:
        return None
    return _value(parsed, {name.casefold(): value for name, value in values.items()})


def _value(node: Any, values: Mapping[str, Any]) -> Verdict:
    if isinstance(node, _Comparison):
        return _compared(node, values)
    operator, *parts = node
    verdicts = [_value(part, values) for part in parts]
    if operator == "not":
        return None if verdicts[0] is None else not verdicts[0]
    decisive: bool = operator == "or"
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _compared(comparison: _Comparison, values: Mapping[str, Any]) -> Verdict:
    if comparison.name not in values:
        return None
    own, other, operator = values[comparison.name], comparison.value, comparison.operator
    if isinstance(own, bool) or isinstance(other, bool):
        return own is other if isinstance(other, bool) else None
    if own is None or other is None:
        return own is other if operator == "eq" else False
    text = str(own).casefold()
    match operator:
        case "eq":
            return bool(text == other)
        case "in":
            return text in other
        case "startswith":
            return text.startswith(other)
        case _:
            return other in text


@lru_cache(maxsize=256)
def _parsed(rule: str) -> Any:
    """Return comparisons within tuples that begin with `and`, `or` or `not`. Raises _UnreadableRuleError."""
    tokens = list(_tokens(rule))
    node, rest = _either(tokens, 0)
    if rest:
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


_Tokens = Sequence[tuple[str, str]]


def _either(tokens: _Tokens, depth: int) -> tuple[Any, _Tokens]:
    return _joined(tokens, depth, "or")


def _joined(tokens: _Tokens, depth: int, operator: str) -> tuple[Any, _Tokens]:
    read = _single if operator == "and" else lambda rest, deep: _joined(rest, deep, "and")
    node, tokens = read(tokens, depth)
    parts = [node]
    while tokens and _word(tokens[0]) == operator:
        node, tokens = read(tokens[1:], depth)
        parts.append(node)
    return (operator, *parts), tokens


def _single(tokens: _Tokens, depth: int) -> tuple[Any, _Tokens]:
    if not tokens or depth > _DEEPEST:
        raise _UnreadableRuleError
    if _word(tokens[0]) == "not":
        node, tokens = _single(tokens[1:], depth + 1)
        return ("not", node), tokens
    if tokens[0] == ("sign", "("):
        node, tokens = _either(tokens[1:], depth + 1)
        if not tokens or tokens[0] != ("sign", ")"):
            raise _UnreadableRuleError
        return node, tokens[1:]
    return _comparison(tokens)


def _comparison(tokens: _Tokens) -> tuple[Any, _Tokens]:
    if len(tokens) < 3 or not _word(tokens[0]).startswith("user."):
        raise _UnreadableRuleError
    name, operator = _word(tokens[0]).removeprefix("user."), _word(tokens[1])
    value, tokens = _operand(tokens[2:])
    positive = _NEGATIONS.get(operator, operator)
    if positive not in {"eq", "in", "startswith", "contains"} or isinstance(value, list) != (positive == "in"):
        raise _UnreadableRuleError
    comparison = _Comparison(name, positive, value)
    return (comparison if positive == operator else ("not", comparison)), tokens


def _operand(tokens: _Tokens) -> tuple[Any, _Tokens]:
    if tokens[0] == ("sign", "["):
        values: list[str] = []
        tokens = tokens[1:]
        while tokens and tokens[0][0] == "text":
            values.append(_text(tokens[0][1]))
            tokens = tokens[1:]
            if tokens and tokens[0] == ("sign", ","):
                tokens = tokens[1:]
        if not tokens or tokens[0] != ("sign", "]"):
            raise _UnreadableRuleError
        return values, tokens[1:]
    kind, text = tokens[0]
    if kind == "text":
        return _text(text), tokens[1:]
    constants = {"true": True, "false": False, "null": None}
    if text.casefold() not in constants:
        raise _UnreadableRuleError
    return constants[text.casefold()], tokens[1:]


def _text(quoted: str) -> str:
    quote, inner = quoted[0], quoted[1:-1]
    return (inner.replace("''", "'") if quote == "'" else re.sub(r"`(.)", r"\1", inner)).casefold()


def _word(token: tuple[str, str]) -> str:
    return token[1].casefold().removeprefix("-") if token[0] == "word" else ""
