"""Extracts the texts of a PDF that Chromium printed."""

from pathlib import Path

import pytest


def page_texts(path: Path) -> list[str]:
    """Return the text of each page; without pypdfium2 the test is skipped."""
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    with pdfium.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]
