"""Shell globs over casefolded text: `*` any text, `?` one character, `[ab]` one of, `[!ab]` none of.

A bracket that is never closed matches itself, as in `fnmatch`. Matching never backtracks over a `*`: it takes time
proportional to the length of the text times the length of the glob, regardless of the number of stars.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

_MAX_PIECES = 8
_MAX_LENGTH = 256


def pieces_of(glob: str) -> list[str]:
    """Translate the parts before, between and after the stars of a glob into regular expressions.

    The expressions are equivalent in Python's `re` and RE2. Consecutive stars count as one.
    """
    text = glob.casefold()
    last = text.rfind("]")
    pieces: list[list[str]] = [[]]
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append([])
        elif char == "?":
            pieces[-1].append(".")
        elif char == "[" and index < last and (end := _closing(text, index)) > 0:
            pieces[-1].append(_bracket(text[index:end]))
            index = end + 1
        else:
            pieces[-1].append(re.escape(char))
    return ["".join(piece) for piece in pieces]


def backtracking_free(glob: str) -> str:
    """Return an expression for Python's `re.fullmatch`.

    Only the first match of the text between two stars has to be tried, so each such text is an atomic group. Python's
    `fnmatch.translate` does the same.
    """
    first, *others = pieces_of(glob)
    if not others:
        return f"(?s:{first})"
    *inner, last = others
    return f"(?s:{first}{''.join(f'(?>.*?{piece})' for piece in inner)}.*{last})"


def automaton(globs: Iterable[str]) -> str | None:
    """Return an expression for a search with RE2 that matches what one of the globs matches.

    None if one of them is too long or has too many stars to be fast.
    """
    expressions = []
    for glob in globs:
        pieces = pieces_of(glob)
        if len(pieces) > _MAX_PIECES or len(glob) > _MAX_LENGTH:
            return None
        expressions.append(".*".join(pieces))
    return f"^(?s:{'|'.join(expressions)})$"


@lru_cache(maxsize=512)
def pattern_of(glob: str) -> re.Pattern[str]:
    """Compile a glob for `fullmatch` over casefolded text."""
    return re.compile(backtracking_free(glob))


def _closing(text: str, start: int) -> int:
    """Return the index of the bracket that closes a set; the first character of a set may be a closing bracket."""
    first = start + 1 if text[start : start + 1] == "!" else start
    return text.find("]", first + 1)


def _bracket(inside: str) -> str:
    negated = inside.startswith("!")
    content = inside[1:] if negated else inside
    ranges: list[str] = []
    index = 0
    while index < len(content):
        if index + 2 < len(content) and content[index + 1] == "-":
            low, high = content[index], content[index + 2]
            if low <= high:
                ranges.append(f"{_literal(low)}-{_literal(high)}")
            index += 3
        else:
            ranges.append(_literal(content[index]))
            index += 1
    if not ranges:  # only an empty range such as [z-a]: it matches nothing, its negation anything
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _literal(char: str) -> str:
    return "\\" + char if not char.isalnum() and char.isascii() else char
