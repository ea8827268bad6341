"""Suggests the known name that is most similar to a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from auditor.domain.message import Message

_MAX_LENGTH: Final = 100
"""Maximum length of names that are compared; comparing takes time proportional to the product of the lengths."""

_MAX_NAMES: Final = 10


def similar_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is most similar to a word, ignoring letter case; None if none is similar."""
    if len(word) > _MAX_LENGTH:
        return None
    folded = {name.casefold(): name for name in names if len(name) <= _MAX_LENGTH}
    close = get_close_matches(word.casefold(), folded, n=1)
    return folded[close[0]] if close else None


def did_you_mean(word: str, names: Iterable[str]) -> Message | None:
    """Return a hint that suggests the similar name; None if there is none."""
    name = similar_name(word, names)
    return None if name is None else Message("did you mean '{name}'?", name=name)


def tenants_hint(word: str | None, tenants: Iterable[str]) -> Message:
    """Return a hint about the known tenants: the one with a similar name, or else the first ten."""
    names = sorted(tenants)
    shown = ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
    return (word and did_you_mean(word, names)) or Message("tenants: {known}", known=shown)
