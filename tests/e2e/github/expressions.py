"""Evaluates GitHub Actions expressions.

Supports only the parts of the language that the workflows use. Everything else is an error, so that no test passes
because of a guess.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<sign>&&|\|\||==|!=|[().,*\[\]])|(?P<word>[A-Za-z_][\w-]*))")
_STATUS = frozenset({"success", "always"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The contexts and the status that an expression can access."""

    contexts: Mapping[str, Any]
    failed: bool = False
    """Whether a previous step or a needed job has failed."""


def evaluate(text: str, scope: Scope) -> Any:
    """Return the value of an expression without its `${{ }}`. Raises ValueError for unsupported syntax."""
    reader = _Reader(_tokens(text), scope)
    value = reader.disjunction()
    if reader.rest:
        raise ValueError(f"{text!r} goes on with {reader.rest[0][1]!r}")
    return value


def condition(text: str, scope: Scope) -> bool:
    """Whether a step or a job with this `if:` runs; without a status function, only if nothing has failed."""
    inner = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", text, re.DOTALL)
    text = inner[1] if inner else text
    if not any(kind == "word" and token in _STATUS for kind, token in _tokens(text)):
        text = f"success() && ({text})"
    return truthy(evaluate(text, scope))


def interpolate(text: str, scope: Scope) -> Any:
    """Return a value with its expressions replaced. A value that is a single expression keeps its type."""
    single = re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", text, re.DOTALL)
    if single:
        return evaluate(single[1], scope)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: as_text(evaluate(match[1], scope)), text, flags=re.DOTALL)


def truthy(value: Any) -> bool:
    """Whether GitHub treats a value as true: everything except false, null, 0 and the empty text."""
    return value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    """Return the text of a value that is part of a longer text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return f"{value:g}"
        case _:
            return json.dumps(value)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not understood at {text[position:]!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


class _Reader:
    """Recursive-descent parser, from the operator of lowest precedence to that of the highest."""

    def __init__(self, rest: list[tuple[str, str]], scope: Scope) -> None:
        self.rest = rest
        self.scope = scope

    def take(self, sign: str) -> bool:
        if self.rest and self.rest[0] == ("sign", sign):
            self.rest.pop(0)
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise ValueError(f"{sign!r} is missing before {self.rest[:1]}")

    def disjunction(self) -> Any:
        value = self.conjunction()
        while self.take("||"):
            right = self.conjunction()
            value = value if truthy(value) else right
        return value

    def conjunction(self) -> Any:
        value = self.comparison()
        while self.take("&&"):
            right = self.comparison()
            value = right if truthy(value) else value
        return value

    def comparison(self) -> Any:
        value = self.operand()
        for sign in ("==", "!="):
            if self.take(sign):
                return _equal(value, self.operand()) == (sign == "==")
        return value

    def operand(self) -> Any:
        if self.take("("):
            value = self.disjunction()
            self.expect(")")
            return value
        kind, token = self.rest.pop(0)
        match kind:
            case "text":
                return token[1:-1].replace("''", "'")
            case "word" if self.take("("):
                return self.call(token)
            case "word":
                return self.lookup(token)
            case _:
                raise ValueError(f"{token!r} is no value")

    def call(self, name: str) -> Any:
        arguments = []
        while not self.take(")"):
            arguments.append(self.disjunction())
            self.take(",")
        match name, arguments:
            case "always", []:
                return True
            case "success", []:
                return not self.scope.failed
            case "fromJSON", [str() as text]:
                return json.loads(text)
            case "join", [list() as values, str() as separator]:
                return separator.join(as_text(value) for value in values)
            case _:
                raise ValueError(f"{name} with {arguments!r} is not known here")

    def lookup(self, name: str) -> Any:
        # An unknown context is an error; a missing property is null.
        value: Any = self.scope.contexts[name]
        while self.take("."):
            if self.take("*"):
                self.expect(".")
                _, key = self.rest.pop(0)
                value = [item.get(key) for item in value.values()]
            else:
                _, key = self.rest.pop(0)
                value = value.get(key) if isinstance(value, Mapping) else None
        return value


def _equal(left: Any, right: Any) -> bool:
    """GitHub's loose equality: texts are compared ignoring case, values of different types as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if isinstance(left, (Mapping, Sequence)) and not isinstance(left, str):
        return left is right
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return float("nan")
