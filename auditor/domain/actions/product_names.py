"""Lists several products in few words: alternatives, or the products of a pool."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.translation import Localizer

_NAMED: Final = 3
"""Maximum number of products that are named."""


def one_of(l10n: Localizer, names: Iterable[str]) -> str:
    """Return the name of a single product, or the first few products in their order as alternatives: "A, B or C"."""
    distinct = sorted(set(names))
    if len(distinct) == 1:
        return distinct[0]
    *first, last = distinct if len(distinct) <= _NAMED else [*distinct[:_NAMED], l10n.gettext("another product")]
    return l10n.gettext("{first} or {last}").format(first=", ".join(first), last=last)


def pooled(names: Iterable[str]) -> str:
    """Return the names of the products of a pool, the first few in their order."""
    distinct = sorted(set(names))
    return " + ".join(distinct[:_NAMED]) + (" + …" if len(distinct) > _NAMED else "")
