"""A GitHub Actions expression and its contexts into the value that GitHub would give it.

As much of the language as the files here use; anything else is an error, so that no test passes on a guess.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>&&|\|\||==|!=|[!().,*\[\]])"
    r"|(?P<word>[A-Za-z_][\w-]*))"
)
_STATUS = frozenset({"success", "failure", "always", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an expression may look at."""

    contexts: Mapping[str, Any]
    failed: bool = False
    """Whether something that came before has failed."""


def evaluate(text: str, known: Known) -> Any:
    """The value of an expression without its `${{ }}`; ValueError for what this language does not have."""
    reader = _Reader(_tokens(text), known)
    value = reader.alternative()
    if reader.rest:
        raise ValueError(f"{text!r} goes on with {reader.rest[0][1]!r}")
    return value


def condition(text: str, known: Known) -> bool:
    """Whether a step or a job with this `if:` runs; without a word on the status it does after success only."""
    inner = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", text, re.DOTALL)
    text = inner[1] if inner else text
    if not any(kind == "word" and token in _STATUS for kind, token in _tokens(text)):
        text = f"success() && ({text})"
    return truthy(evaluate(text, known))


def filled(text: str, known: Known) -> Any:
    """A value with its expressions replaced; one that is an expression and nothing else keeps its type."""
    whole = re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", text, re.DOTALL)
    if whole:
        return evaluate(whole[1], known)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: as_text(evaluate(found[1], known)), text, flags=re.DOTALL)


def truthy(value: Any) -> bool:
    """GitHub's idea of true: everything but false, null, 0 and the empty text."""
    return value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    """What becomes of a value between other text."""
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
    found = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        one = _TOKEN.match(text, position)
        if one is None:
            raise ValueError(f"{text!r} is not understood at {text[position:]!r}")
        kind = str(one.lastgroup)
        found.append((kind, one[kind]))
        position = one.end()
    return found


class _Reader:
    """Reads from the weakest operator to the strongest."""

    def __init__(self, rest: list[tuple[str, str]], known: Known) -> None:
        self.rest = rest
        self.known = known

    def taken(self, sign: str) -> bool:
        if self.rest and self.rest[0] == ("sign", sign):
            self.rest.pop(0)
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.taken(sign):
            raise ValueError(f"{sign!r} is missing before {self.rest[:1]}")

    def alternative(self) -> Any:
        value = self.both()
        while self.taken("||"):
            other = self.both()
            value = value if truthy(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self.taken("&&"):
            other = self.compared()
            value = other if truthy(value) else value
        return value

    def compared(self) -> Any:
        value = self.single()
        for sign in ("==", "!="):
            if self.taken(sign):
                return _equal(value, self.single()) == (sign == "==")
        return value

    def single(self) -> Any:
        if self.taken("!"):
            return not truthy(self.single())
        if self.taken("("):
            value = self.alternative()
            self.expect(")")
            return value
        kind, token = self.rest.pop(0)
        match kind:
            case "text":
                return token[1:-1].replace("''", "'")
            case "number":
                return float(token)
            case "word" if token in {"true", "false", "null"}:
                return {"true": True, "false": False, "null": None}[token]
            case "word" if self.taken("("):
                return self.called(token)
            case "word":
                return self.looked_up(token)
            case _:
                raise ValueError(f"{token!r} is no value")

    def called(self, name: str) -> Any:
        given = []
        while not self.taken(")"):
            given.append(self.alternative())
            self.taken(",")
        match name, given:
            case "always", []:
                return True
            case "success", []:
                return not self.known.failed
            case "failure", []:
                return self.known.failed
            case "cancelled", []:
                return False
            case "fromJSON", [str() as text]:
                return json.loads(text)
            case "join", [list() as values, str() as between]:
                return between.join(as_text(value) for value in values)
            case _:
                raise ValueError(f"{name} with {given!r} is not known here")

    def looked_up(self, name: str) -> Any:
        # A context that a file may not use here is a mistake; a property that is missing is null.
        value: Any = self.known.contexts[name]
        while self.taken("."):
            if self.taken("*"):
                self.expect(".")
                _, key = self.rest.pop(0)
                value = [item.get(key) for item in value.values()]
            else:
                _, key = self.rest.pop(0)
                value = value.get(key) if isinstance(value, Mapping) else None
        return value


def _equal(one: Any, other: Any) -> bool:
    """GitHub's loose equality: texts without regard to case, anything else of two kinds as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if isinstance(one, (Mapping, Sequence)) and not isinstance(one, str):
        return one is other
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    match value:
        case None | False | "":
            return 0
        case True:
            return 1
        case int() | float():
            return value
        case _:
            try:
                return float(value)
            except (TypeError, ValueError):
                return float("nan")
