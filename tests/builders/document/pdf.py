"""Texts of a PDF that Chromium printed."""

import re
from pathlib import Path

import pytest

_DRAWN = re.compile(rb"(?m)^[-\d. ]+ (?:m|l|c|re)\n|^(?:h|f|f\*|n|W|W\*|S)\n")
"""Lines and areas: nine of ten operators, on which pypdf spends four fifths of its time."""


def page_texts(path: Path) -> list[str]:
    """Return the text of each page; without pypdf the test is skipped."""
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    found = []
    for page in pypdf.PdfReader(path).pages:
        texts = pypdf.generic.DecodedStreamObject()
        texts.set_data(_DRAWN.sub(b"", page.get_contents().get_data()))
        page[pypdf.generic.NameObject("/Contents")] = texts
        found.append(page.extract_text())
    return found
