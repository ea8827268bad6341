"""The known name that a misspelt one probably stands for."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from auditor.domain.message import Message

_LONGEST: Final = 100
"""Characters of the names that are compared; the time of a comparison grows with their product."""


def similar_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a word, letter case aside; None if none is like it."""
    if len(word) > _LONGEST:
        return None
    folded = {name.casefold(): name for name in names if len(name) <= _LONGEST}
    close = get_close_matches(word.casefold(), folded, n=1)
    return folded[close[0]] if close else None


def did_you_mean(word: str, names: Iterable[str]) -> Message | None:
    """Return the hint that suggests the similar name; None if there is none."""
    name = similar_name(word, names)
    return None if name is None else Message("did you mean '{name}'?", name=name)
