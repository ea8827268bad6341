"""Extracts the texts of a PDF that Chromium printed."""

import re
from pathlib import Path

import pytest

_DRAWING_OPERATORS = re.compile(rb"(?m)^[-\d. ]+ (?:m|l|c|re)\n|^(?:h|f|f\*|n|W|W\*|S)\n")
"""Operators for lines and areas: nine of ten operators, on which pypdf spends four fifths of its time."""


def page_texts(path: Path) -> list[str]:
    """Return the text of each page; without pypdf the test is skipped."""
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    texts = []
    for page in pypdf.PdfReader(path).pages:
        stream = pypdf.generic.DecodedStreamObject()
        stream.set_data(_DRAWING_OPERATORS.sub(b"", page.get_contents().get_data()))
        page[pypdf.generic.NameObject("/Contents")] = stream
        texts.append(page.extract_text())
    return texts
