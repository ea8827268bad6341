"""Messages about environment variables that never quote a secret written in place of a name."""

import re
from typing import Final

from auditor.domain.message import Message

_PLAIN: Final = re.compile(r"(?=.{1,64}\Z)[A-Z]{1,15}[0-9]{0,4}(_([A-Z]{1,15}[0-9]{0,4}|[0-9]{1,4}))*")
"""Names in capitals; anything else could be a password or key."""


def is_missing(name: str, location: str) -> Message:
    """Return the message that a variable is not set; `location` is the location of its name, as `file:line`.

    A name that could be the secret itself is not quoted.
    """
    if _PLAIN.fullmatch(name):
        return Message("the environment variable {name} is not set", name=name)
    return Message("the environment variable that {location} names is not set", location=location)


def to_set(name: str) -> str:
    """Return the name of a variable for a hint, or a placeholder if it could be a secret."""
    return name if _PLAIN.fullmatch(name) else "it"
