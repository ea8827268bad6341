"""What a redacted result tells of the key of its pseudonyms."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What a redacted result tells of the key of its pseudonyms and fingerprints."""

    key: str
    """By which the key is known again: the same in all results that were redacted with it."""
    stable: bool
    """Whether the key was given; with a random one the pseudonyms are of one run only."""
