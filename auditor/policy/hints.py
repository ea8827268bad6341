"""Names that are like one that nobody knows, for hints: few of them, and among few names.

To compare two names takes far longer than to read them. Without a bound a file of misspelt names would take hours.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass

_MOST_NAMES = 1000
_LONGEST_NAME = 100


@dataclass(slots=True)
class Hints:
    """Finds the known name that a misspelt one may mean, for the first of them."""

    left: int = 50
    """How many more times names are compared."""

    def close_to(self, word: str, known: Collection[str]) -> str | None:
        """Return the known name that is most like a word; None where none is, or too many would be compared."""
        if self.left == 0 or len(known) > _MOST_NAMES or len(word) > _LONGEST_NAME:
            return None
        self.left -= 1
        close = difflib.get_close_matches(word, [name for name in known if len(name) <= _LONGEST_NAME], n=1)
        return close[0] if close else None
