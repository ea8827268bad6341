"""Finds similar names for hints about unknown names, within a budget of comparisons.

Comparing two names is much slower than parsing them: a file full of misspelt names would otherwise take hours.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass

from auditor.domain.message import Message

_MAX_NAMES = 1000
_LONGEST_NAME = 100


@dataclass(slots=True)
class Hints:
    """Suggests the known name that a misspelt one may stand for, for the first misspelt names of a run."""

    remaining: int = 50
    """Comparisons that remain."""

    def suggest(self, word: str, known: Collection[str]) -> str | None:
        """Return the known name most similar to a word; None if none is similar or the budget is spent."""
        if self.remaining == 0 or len(known) > _MAX_NAMES or len(word) > _LONGEST_NAME:
            return None
        self.remaining -= 1
        close = difflib.get_close_matches(word, [name for name in known if len(name) <= _LONGEST_NAME], n=1)
        return close[0] if close else None

    def did_you_mean(self, word: str, known: Collection[str], otherwise: Message) -> Message:
        """Return the hint that suggests a known name; `otherwise` where none is similar."""
        close = self.suggest(word, known)
        return otherwise if close is None else Message("did you mean '{close}'?", close=close)
