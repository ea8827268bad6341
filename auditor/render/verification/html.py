"""Renders the verification of a plan as one HTML page."""

from collections.abc import Iterable

from auditor.domain.result.model import Result
from auditor.render.static_page import text_page
from auditor.render.text.labels import Labels
from auditor.render.verification.view import sections


def render(result: Result, *, locale: str) -> Iterable[bytes]:
    """Render verification.html."""
    l10n = Labels(locale)
    return (text_page(sections(result, l10n), title=l10n.gettext("Verification of the plan"), l10n=l10n),)
