"""Prints why an audit is incomplete, for commands that print no summary."""

from auditor.cli.terminal.console import print_diagnostics, print_notice
from auditor.domain.errors import Diagnostic
from auditor.domain.message import joined
from auditor.domain.result.model import Result
from auditor.render.text.labels import Labels
from auditor.render.text.summary import missing_data

_MAX_REASONS = 20
"""Maximum number of reasons that are printed."""


def print_missing_data(result: Result, l10n: Labels) -> None:
    """Print on stderr, in the language of `l10n`, which data is missing and which policies were not evaluated."""
    reasons = [joined(": ", pair) for pair in missing_data(result, l10n)]
    print_diagnostics(
        [Diagnostic(slug="audit-incomplete", message=reason) for reason in reasons[:_MAX_REASONS]], locale=l10n.locale
    )
    if len(reasons) > _MAX_REASONS:
        print_notice(l10n.more_in_reports(len(reasons) - _MAX_REASONS))
