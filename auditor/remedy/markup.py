"""Takes the markup out of the steps and warnings of guidance, for places that show plain text."""

import re
from typing import Final

_MARKUP: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)|\*\*|\\(.)")


def without_markup(text: str) -> str:
    """Return a text without the marks of bold words, links and escapes of Markdown; a link keeps its label."""
    return _MARKUP.sub(lambda match: match[1] or match[2] or "", text)
