"""Renders the verification of a plan as Markdown; text of a tenant is escaped."""

from collections.abc import Iterable

from auditor.domain.result.model import Result
from auditor.render.ci.markdown import escaped_markdown
from auditor.render.text.labels import Labels
from auditor.render.verification.view import sections


def render(result: Result, *, locale: str) -> Iterable[bytes]:
    """Render verification.md."""
    lines: list[str] = []
    for section in sections(result, Labels(locale)):
        lines += [f"{'#' * section.level} {escaped_markdown(section.title)}", ""]
        for paragraph in section.paragraphs:
            lines += [escaped_markdown(paragraph), ""]
        lines += [f"- {escaped_markdown(item)}" for item in section.lines]
        lines += [""] if section.items else []
    body = ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")
    return (body,)
