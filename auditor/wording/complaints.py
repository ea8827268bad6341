"""Turns what is wrong with an input, told in English, into another language: its message, and the values in it.

An error is raised far below the one place that prints it, where nobody knows the reader; it holds English. The
catalogue `errors` holds the same texts with their values named (`{path} does not exist`), read out of the code that
makes them. A text is looked up among them; one that is none of them is not translated at all, so that no message is in
two languages.
"""

from collections.abc import Mapping
from functools import cached_property
from re import DOTALL, Pattern, sub
from re import compile as pattern
from re import split as divide
from typing import Final

from auditor.wording.po_reader import Messages

_PLACE: Final = r"\{(\w+)\}"
_LONGEST: Final = 1_000
"""Characters up to which a text is looked for; what is longer quotes somebody."""
_DEEPEST: Final = 4
"""How deep messages hold messages: a refusal its reason, the reason a value."""
_JOINTS: Final = 3
"""Semicolons, from the end, at which a text is taken for two."""
_NAME: Final = pattern(r"\S+|(?:[/.~]|[A-Za-z]:\\).*|.*\.\w{2,5}", DOTALL)
"""What stands before a colon: a name, or the path of a file."""
_FEW: Final = 8
"""Letters below which a message says so little of its own (`one of {names}`) that its values have to be plain."""
_PLAIN: Final = pattern(r"(?:'[^']*'|\[.*\]|\{.*\}|\S+)(?:(?:, | or | and )(?:'[^']*'|\S+))*", DOTALL)
"""A value that is no sentence: a word, something in quotes, or a list of those."""


class Complaints:
    """Looks up the texts of one catalogue by what they say, values filled in."""

    def __init__(self, messages: Messages) -> None:
        self._said: Mapping[str, tuple[str, ...]] = messages.messages
        self._patterns: dict[str, Pattern[str]] = {}

    def told(self, text: str, *, depth: int = 0) -> str | None:
        """Return a text in the other language; None where it is none of the known ones."""
        found = self._said.get(text)
        if found is not None:
            return found[0]
        if len(text) > _LONGEST or depth > _DEEPEST:
            return None
        # First what stands side by side: the last value of a message would take in the next one.
        beside = self._beside(text, depth)
        if beside is not None:
            return beside
        for message, piece in self._forms:
            if piece in text:
                values = self._pattern(message).fullmatch(text)
                told = None if values is None else self._filled(message, values.groupdict(), depth)
                if told is not None:
                    return told
        name, mark, rest = text.partition(": ")
        said = self.told(rest, depth=depth + 1) if mark and _NAME.fullmatch(name) else None
        return None if said is None else f"{name}: {said}"

    def _beside(self, text: str, depth: int) -> str | None:
        """Tell two texts that were joined: `...; ...`, or what is wrong and how to mend it, `... (...)`."""
        end = len(text)
        for _ in range(_JOINTS):
            end = text.rfind("; ", 0, end)
            if end < 0:
                break
            after = self.told(text[end + 2 :], depth=depth + 1)
            before = None if after is None else self.told(text[:end], depth=depth + 1)
            if before is not None:
                return f"{before}; {after}"
        start = _bracket(text)
        hint = self.told(text[start + 2 : -1], depth=depth + 1) if start > 0 else None
        before = None if hint is None else self.told(text[:start], depth=depth + 1)
        return None if before is None else f"{before} ({hint})"

    @cached_property
    def _forms(self) -> list[tuple[str, str]]:
        """The messages with values, each with its longest words; what says most stands first."""
        found = []
        for message in self._said:
            pieces = divide(_PLACE, message)[::2]
            if len(pieces) > 1:
                found.append((message, max(pieces, key=len), sum(map(len, pieces))))
        return [(message, piece) for message, piece, _ in sorted(found, key=lambda item: (-item[2], item[0]))]

    def _pattern(self, message: str) -> Pattern[str]:
        known = self._patterns.get(message)
        if known is None:
            literal = sub(r"([^\w\s{}])", r"\\\1", message).replace("{", r"\{").replace("}", r"\}")
            known = pattern(sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", literal), DOTALL)
            self._patterns[message] = known
        return known

    def _filled(self, message: str, values: Mapping[str, str], depth: int) -> str | None:
        """Fill a message in; a value that is a message itself is told too, one in quotes is quoted."""
        few = sum(map(str.isalpha, sub(_PLACE, "", message))) < _FEW
        told: dict[str, str] = {}
        for name, value in values.items():
            quoted = f"'{{{name}}}'" in message or f"`{{{name}}}`" in message
            known = None if quoted else self.told(value, depth=depth + 1)
            if known is None and few and not quoted and _PLAIN.fullmatch(value) is None:
                return None
            told[name] = value if known is None else known
        return sub(_PLACE, lambda place: told.get(place[1], place[0]), self._said[message][0])


def _bracket(text: str) -> int:
    """Return where the brackets begin that a text ends with; -1 where it does not."""
    depth = 0
    for place in range(len(text) - 1, 0, -1):
        depth += (text[place] == ")") - (text[place] == "(")
        if depth <= 0:
            return place - 1 if depth == 0 and text[place - 1] == " " and place < len(text) - 1 else -1
    return -1
