"""Suggests the known names that are most similar to a misspelt one."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from typing import Final

from auditor.domain.message import Message, truncated

_MAX_LENGTH: Final = 100
"""Maximum length of names that are compared; comparing takes time proportional to the product of the lengths."""

_MAX_SUGGESTED: Final = 3
"""Maximum number of equally similar names that a hint suggests; more, such as numbered ones, would be a guess."""
_MAX_NAMES: Final = 10


def similar_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that is most similar to a word, ignoring letter case; None if none or several are."""
    similar = _most_similar(word, names)
    return similar[0] if len(similar) == 1 else None


def did_you_mean(word: str, names: Iterable[str]) -> Message | None:
    """Return a hint that suggests the most similar name, or several equally similar ones; None if there is none."""
    similar = _most_similar(word, names)
    if len(similar) > 1:
        return Message("did you mean one of these: {names}?", names=", ".join(similar))
    return Message("did you mean '{name}'?", name=similar[0]) if similar else None


def _most_similar(word: str, names: Iterable[str]) -> list[str]:
    """Return the most similar names, sorted; none if more than `_MAX_SUGGESTED` are equally similar."""
    if len(word) > _MAX_LENGTH:
        return []
    folded = {name.casefold(): name for name in names if len(name) <= _MAX_LENGTH}
    close = get_close_matches(word.casefold(), folded, n=_MAX_SUGGESTED + 1)
    ratios = [SequenceMatcher(None, name, word.casefold()).ratio() for name in close]
    nearest = [folded[name] for name, ratio in zip(close, ratios, strict=True) if ratio == ratios[0]]
    return sorted(nearest) if len(nearest) <= _MAX_SUGGESTED else []


def tenants_hint(word: str | None, tenants: Iterable[str]) -> Message:
    """Return a hint about the known tenants: those with the most similar names, or else the first ten."""
    names = sorted(tenants)
    shown = ", ".join(truncated(names, _MAX_NAMES))
    return (word and did_you_mean(word, names)) or Message("tenants: {known}", known=shown)
