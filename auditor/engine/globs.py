"""Shell globs into regular expressions that Python's `re` and Arrow's RE2 read alike."""

import re
from functools import lru_cache


def expression_of(glob: str) -> str:
    """Translate a glob over casefolded text: `*` any run, `?` one character, `[ab]` one of, `[!ab]` none of.

    A bracket that is never closed stands for itself, as in `fnmatch`.
    """
    text = glob.casefold()
    parts: list[str] = []
    place = 0
    while place < len(text):
        sign = text[place]
        place += 1
        if sign == "*":
            if not parts or parts[-1] != ".*":
                parts.append(".*")
        elif sign == "?":
            parts.append(".")
        elif sign == "[" and (end := _closing(text, place)) > 0:
            parts.append(_bracket(text[place:end]))
            place = end + 1
        else:
            parts.append(re.escape(sign))
    return "(?s:" + "".join(parts) + ")"


@lru_cache(maxsize=512)
def pattern_of(glob: str) -> re.Pattern[str]:
    """Compile a glob for `fullmatch` over casefolded text."""
    return re.compile(expression_of(glob))


def _closing(text: str, start: int) -> int:
    """Find the bracket that closes a set; the first sign of a set may be a closing bracket itself."""
    first = start + 1 if text[start : start + 1] == "!" else start
    return text.find("]", first + 1)


def _bracket(inside: str) -> str:
    negated = inside.startswith("!")
    signs = inside[1:] if negated else inside
    ranges: list[str] = []
    place = 0
    while place < len(signs):
        if place + 2 < len(signs) and signs[place + 1] == "-":
            low, high = signs[place], signs[place + 2]
            if low <= high:
                ranges.append(f"{_literal(low)}-{_literal(high)}")
            place += 3
        else:
            ranges.append(_literal(signs[place]))
            place += 1
    if not ranges:  # only an empty range such as [z-a]: it matches nothing, its negation anything
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _literal(sign: str) -> str:
    return "\\" + sign if not sign.isalnum() and sign.isascii() else sign
