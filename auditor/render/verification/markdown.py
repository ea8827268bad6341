"""Renders the verification of a plan as Markdown; text of a tenant is escaped."""

from collections.abc import Iterable

from auditor.domain.result.model import Result
from auditor.render.ci.markdown import inert
from auditor.render.text.labels import Labels
from auditor.render.verification.view import sections


def render(result: Result, *, locale: str) -> Iterable[bytes]:
    """Render verification.md."""
    lines: list[str] = []
    for section in sections(result, Labels(locale)):
        lines += [f"{'#' * section.level} {inert(section.title)}", ""]
        for paragraph in section.paragraphs:
            lines += [inert(paragraph), ""]
        lines += [f"- {inert(item)}" for item in section.items]
        lines += [""] if section.items else []
    body = ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")
    return (body,)
