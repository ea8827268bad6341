"""Combines the problems of many tenants, for commands that print only problems if there are many tenants."""

from collections.abc import Iterable, Iterator
from typing import Final

from auditor.localization import Localization

MAX_TENANTS: Final = 10
"""Maximum number of tenants whose details a command prints; of more tenants, it prints only the problems."""
_MAX_NAMED: Final = 20
"""Maximum number of tenants that are named for each problem."""


def combined_problems(problems: Iterable[tuple[str, str]], total: int, l10n: Localization) -> Iterator[tuple[str, str]]:
    """Return (tenants, problem) from pairs of a tenant and a problem, each once; `total` is the number of tenants."""
    from auditor.render.text.summary import combined_reasons  # noqa: PLC0415  only of many tenants

    return combined_reasons(problems, total, l10n, limit=_MAX_NAMED)
