"""Shell globs over casefolded text: `*` any run, `?` one character, `[ab]` one of, `[!ab]` none of.

A bracket that is never closed stands for itself, as in `fnmatch`. Matching never backtracks over a `*`: a text is
matched in time proportional to its length times the length of the glob, however many stars the glob has.
"""

import re
from functools import lru_cache

_MOST_RUNS = 8
_LONGEST = 256


def pieces_of(glob: str) -> list[str]:
    """Translate the parts before, between and after the stars of a glob into regular expressions.

    The expressions are equivalent in Python's `re` and RE2. Consecutive stars count as one.
    """
    text = glob.casefold()
    last = text.rfind("]")
    pieces: list[list[str]] = [[]]
    index = 0
    while index < len(text):
        sign = text[index]
        index += 1
        if sign == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append([])
        elif sign == "?":
            pieces[-1].append(".")
        elif sign == "[" and index < last and (end := _closing(text, index)) > 0:
            pieces[-1].append(_bracket(text[index:end]))
            index = end + 1
        else:
            pieces[-1].append(re.escape(sign))
    return ["".join(piece) for piece in pieces]


def backtracking_free(glob: str) -> str:
    """Return an expression for Python's `re`, to be matched against the whole text.

    The first place where the text between two stars fits is the only one that has to be tried, so that it is an atomic
    group. Python's own `fnmatch.translate` does the same.
    """
    first, *others = pieces_of(glob)
    if not others:
        return f"(?s:{first})"
    *inner, last = others
    return f"(?s:{first}{''.join(f'(?>.*?{piece})' for piece in inner)}.*{last})"


def automaton(glob: str) -> str | None:
    """Return an expression for a search with RE2; None for a glob with so many stars that RE2 would be slow."""
    pieces = pieces_of(glob)
    if len(pieces) > _MOST_RUNS or len(glob) > _LONGEST:
        return None
    return f"^(?s:{'.*'.join(pieces)})$"


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
    signs = inside[1:] if negated else inside
    ranges: list[str] = []
    index = 0
    while index < len(signs):
        if index + 2 < len(signs) and signs[index + 1] == "-":
            low, high = signs[index], signs[index + 2]
            if low <= high:
                ranges.append(f"{_literal(low)}-{_literal(high)}")
            index += 3
        else:
            ranges.append(_literal(signs[index]))
            index += 1
    if not ranges:  # only an empty range such as [z-a]: it matches nothing, its negation anything
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _literal(sign: str) -> str:
    return "\\" + sign if not sign.isalnum() and sign.isascii() else sign
