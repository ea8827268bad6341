"""Combines the problems of many tenants, and prints why an audit or a plan is incomplete."""

from collections.abc import Iterable, Iterator
from typing import Final

from auditor.cli.terminal.console import print_diagnostics, print_notice
from auditor.domain.errors import Diagnostic
from auditor.domain.message import joined
from auditor.localization import Localization

MAX_TENANTS: Final = 10
"""Maximum number of tenants whose details a command prints; of more tenants, it prints only the problems."""
_MAX_NAMED: Final = 20
"""Maximum number of tenants that are named for each problem."""
_MAX_REASONS: Final = 20
"""Maximum number of reasons why data is missing that are printed."""


def combined_problems(problems: Iterable[tuple[str, str]], total: int, l10n: Localization) -> Iterator[tuple[str, str]]:
    """Return (tenants, problem) from pairs of a tenant and a problem, each once; `total` is the number of tenants."""
    from auditor.render.text.summary import combined_reasons  # noqa: PLC0415  only of many tenants

    return combined_reasons(problems, total, l10n, limit=_MAX_NAMED)


def print_missing_data(missing: Iterable[tuple[str, str]], l10n: Localization) -> None:
    """Print on stderr what is missing, as pairs of tenants and a reason, for commands that print no summary."""
    reasons = [joined(": ", pair) for pair in missing]
    print_diagnostics(
        [Diagnostic(slug="audit-incomplete", message=reason) for reason in reasons[:_MAX_REASONS]], locale=l10n.locale
    )
    if len(reasons) > _MAX_REASONS:
        print_notice(l10n.more_in_reports(len(reasons) - _MAX_REASONS))
