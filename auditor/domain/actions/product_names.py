"""Lists the names of several products in a short text: alternatives, or the products of a pool."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.translation import Localizer

_MAX_NAMES: Final = 3
"""Maximum number of products that are named."""


def one_of(l10n: Localizer, names: Iterable[str]) -> str:
    """Return the name of a single product, or the first few names in alphabetical order: "A, B or C"."""
    distinct = sorted(set(names))
    if len(distinct) == 1:
        return distinct[0]
    *first, last = (
        distinct if len(distinct) <= _MAX_NAMES else [*distinct[:_MAX_NAMES], l10n.gettext("another product")]
    )
    return l10n.gettext("{first} or {last}").format(first=", ".join(first), last=last)


def pooled(names: Iterable[str]) -> str:
    """Return the first few names of the products of a pool in alphabetical order: "A + B"."""
    distinct = sorted(set(names))
    return " + ".join(distinct[:_MAX_NAMES]) + (" + …" if len(distinct) > _MAX_NAMES else "")
