"""Removes Markdown markup from the steps and warnings of guidance, for plain-text output."""

import re
from typing import Final

_MARKUP: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)|\*\*|\\(.)")


def without_markup(text: str) -> str:
    """Return a text without Markdown's bold, links and escapes; a link is replaced by its label."""
    return _MARKUP.sub(lambda match: match[1] or match[2] or "", text)
