"""Generates names of users in many scripts, each with an ASCII form for addresses."""

import random
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from auditor import resources
from auditor.policy.yaml.reader import parse

_FAMILY_FIRST = {"japanese": " ", "chinese": "", "korean": "", "vietnamese": " "}
"""Cultures whose family names precede given names → the text between them."""

_LETTERS = str.maketrans(
    {"ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "ı": "i", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ö": "o", "ü": "u"}  # noqa: RUF001  letters of names
)


@cache
def _cultures() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the given and family names of each culture."""
    cultures: Any = parse(resources.demo_text("names.yaml"), file="names.yaml").value
    return dict(cultures)


class Namer:
    """Generates names of a mix of cultures; the same source and mix give the same names in the same order."""

    def __init__(self, source: random.Random, weights: Mapping[str, int], used_names: frozenset[str]) -> None:
        self._source = source
        self._cultures = tuple(weights)
        self._weights = tuple(weights.values())
        self._used_names = set(used_names)

    def next(self) -> tuple[str, str]:
        """Return the next name, and an unused address: the ASCII part of a user principal name before the @."""
        culture = self._source.choices(self._cultures, self._weights)[0]
        given, given_ascii = _parse_entry(self._source.choice(_cultures()[culture]["given"]))
        family, family_ascii = _parse_entry(self._source.choice(_cultures()[culture]["family"]))
        shown = f"{family}{_FAMILY_FIRST[culture]}{given}" if culture in _FAMILY_FIRST else f"{given} {family}"
        stem = f"{given_ascii}.{family_ascii}"
        address, number = stem, 1
        while address in self._used_names:
            number += 1
            address = f"{stem}{number}"
        self._used_names.add(address)
        return shown, address


def ascii_address(shown: str) -> str:
    """Convert a name in Latin script to the local part of an address: `Søren Kjær` to `soeren.kjaer`."""
    lowered = shown.lower().translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    given, _, family = plain.partition(" ")
    return ".".join(filter(None, (_letters(given), _letters(family))))


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character == "-")


def _parse_entry(entry: str) -> tuple[str, str]:
    shown, _, plain = entry.partition("|")
    return shown, plain or _letters(ascii_address(shown).replace(".", ""))
