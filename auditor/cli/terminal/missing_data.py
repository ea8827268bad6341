"""Prints why an audit or a plan is incomplete, for commands that print no summary."""

from collections.abc import Iterable

from auditor.cli.terminal.console import print_diagnostics, print_notice
from auditor.domain.errors import Diagnostic
from auditor.domain.message import joined
from auditor.localization import Localization

_MAX_REASONS = 20
"""Maximum number of reasons that are printed."""


def print_missing_data(missing: Iterable[tuple[str, str]], l10n: Localization) -> None:
    """Print on stderr, in the language of `l10n`, what is missing, as pairs of tenants and a reason."""
    reasons = [joined(": ", pair) for pair in missing]
    print_diagnostics(
        [Diagnostic(slug="audit-incomplete", message=reason) for reason in reasons[:_MAX_REASONS]], locale=l10n.locale
    )
    if len(reasons) > _MAX_REASONS:
        print_notice(l10n.more_in_reports(len(reasons) - _MAX_REASONS))
