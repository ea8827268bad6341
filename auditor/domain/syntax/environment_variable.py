"""The name of an environment variable into words that never quote a secret written in its place."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"(?=.{1,64}\Z)[A-Z]{1,15}[0-9]{0,4}(_([A-Z]{1,15}[0-9]{0,4}|[0-9]{1,4}))*")
"""Words in capitals: nothing else is sure to be a name, and no password or key."""


def is_missing(name: str, place: str) -> str:
    """Return the sentence that a variable is not set; `place` is where its name is written, as `file:line`.

    A name that could be the secret itself is not quoted.
    """
    if _PLAIN.fullmatch(name):
        return f"the environment variable {name} is not set"
    return f"the environment variable that {place} names is not set"


def to_set(name: str) -> str:
    """Return what to set: the name of a variable, or what stands for it."""
    return name if _PLAIN.fullmatch(name) else "it"
