"""Lists several names in a short text: all of them, alternatives, or the products of a pool."""

from collections.abc import Iterable, Sequence
from typing import Final

from auditor.domain.message import alternatives, enumeration, truncated
from auditor.domain.translation import Localizer

_MAX_NAMES: Final = 3
"""Maximum number of products that are named."""


def all_of(l10n: Localizer, names: Sequence[str]) -> str:
    """Return names as a list for a sentence or a title: "A, B and C"; empty without names."""
    return enumeration(names).translated(l10n.gettext, str) if names else ""


def one_of(l10n: Localizer, names: Iterable[str]) -> str:
    """Return the name of a single product, or the first few names in alphabetical order: "A, B or C"."""
    distinct = sorted(set(names))
    named = distinct if len(distinct) <= _MAX_NAMES else [*distinct[:_MAX_NAMES], l10n.gettext("another product")]
    return alternatives(named).translated(l10n.gettext, str)


def pooled(names: Iterable[str]) -> str:
    """Return the first few names of the products of a pool in alphabetical order: "A + B"."""
    return " + ".join(truncated(sorted(set(names)), _MAX_NAMES))
