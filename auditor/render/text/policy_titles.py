"""Formats the titles of the policies that an action makes a tenant comply with."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.message import fill_template
from auditor.localization import Localization

_MAX_TITLES: Final = 3
"""The maximum number of titles; the others are counted."""


def policies_line(titles: Iterable[str], l10n: Localization) -> str:
    """Return the first few titles as in "Policies: A; B; and 2 more"; empty without titles."""
    distinct = [*dict.fromkeys(titles)]
    if not distinct:
        return ""
    others = len(distinct) - _MAX_TITLES
    listed = [*distinct[:_MAX_TITLES], *([l10n.more(others)] if others > 0 else ())]
    text = l10n.ngettext("Policy: {titles}", "Policies: {titles}", len(distinct))
    return fill_template(text, {"titles": "; ".join(listed)})
