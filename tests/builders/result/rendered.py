"""Renders results in one piece, in English unless another language is given."""

from typing import Any

from auditor.domain.result.model import Result
from auditor.render import render


def rendered_bytes(result: Result, name: str, *, locale: str = "en", **options: Any) -> bytes:
    """Return a result in a format; `options` are those of `render`."""
    return b"".join(render(result, name, locale=locale, **options))


def rendered_text(result: Result, name: str, *, locale: str = "en", **options: Any) -> str:
    """Return a result in a text format; `options` are those of `render`."""
    return rendered_bytes(result, name, locale=locale, **options).decode()
