"""Finds ids, addresses and names of several words in texts, in whatever way they are written there."""

import re
import string
from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise
from typing import Final
from unicodedata import combining, normalize
from urllib.parse import unquote

_SEPARATORS: Final = r"\s/'\"(),:;=<>\[\]{}|*&\\`"
_PART: Final = f"[^{_SEPARATORS}]"
_LOCAL: Final = f"[^{_SEPARATORS}@]"
_TOKEN: Final = re.compile(
    r"\\[0-7][0-9a-f]"  # an escape of an LDAP filter, such as `\28`: what follows is another token
    rf"|\w{_LOCAL}*+(?:(?:'{{1,2}}\w|\\[.+_#-]){_LOCAL}*+)++@{_PART}*(?![.!?]){_PART}"
    rf"|{_PART}*(?![.!?]){_PART}"
)
"""Tokens that can be an id or an address: neither contains a separator or ends with a full stop.

An apostrophe, which PowerShell doubles, is a part of an address before its `@` only, because it encloses texts too.
So is a backslash, with which Markdown escapes punctuation.
"""
_WORD: Final = re.compile(r"\\[0-7][0-9a-f]|(\w+)")
_UNUSUAL: Final = frozenset("'%\\")
_PUNCTUATION: Final = string.punctuation + string.whitespace

NamesByWords = Mapping[str, Mapping[int, Mapping[tuple[str, ...], tuple[str, str]]]]
"""(pseudonym, punctuation at the end of the name) by first word, number of words, and words as `_words` returns them.

The lookup takes one step per word of a text, regardless of how many users share a first name.
"""


def folded(text: str) -> str:
    """Return a text without differences of case, accents, compatibility characters and the dotless i."""
    if text.isascii():
        return text.casefold()
    letters = normalize("NFKD", normalize("NFKD", text).casefold())
    return "".join(letter for letter in letters if not combining(letter)).replace("\u0131", "i")


def words_of(text: str) -> frozenset[str]:
    """Return the different words of a text, folded."""
    return frozenset(filter(None, _WORD.findall(folded(text))))


def _words(text: str) -> tuple[list[re.Match[str]], list[str]]:
    """Return the words of a folded text, and each with a space before it if there is one between it and the last one.

    So `Ann Lee` is found with any white space, and `O'Brien` with any apostrophe, but not in `ann-lee`.
    """
    matches = [match for match in _WORD.finditer(text) if match[1]]
    gaps = (text[last.end() : match.start()] for last, match in pairwise(matches))
    spaces = (" " if any(map(str.isspace, gap)) else "" for gap in gaps)
    return matches, [space + match[1] for space, match in zip(("", *spaces), matches, strict=True)]


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text that can be an id or an address, as `token_key` returns them."""
    if _UNUSUAL.isdisjoint(text):
        return _TOKEN.findall(text.casefold())
    return list(map(token_key, _TOKEN.findall(text)))


def token_key(token: str) -> str:
    """Return a token in lower case, without doubled apostrophes, backslashes and percent-encoding."""
    key = token.casefold()
    if "%" in key:
        key = unquote(key)
    return key.replace("''", "'").replace("\\", "")


def with_tokens(text: str, pseudonym: Callable[[str], str | None]) -> str:
    """Replace the tokens of a text for which `pseudonym` returns a text."""
    return _TOKEN.sub(lambda match: pseudonym(match[0]) or match[0], text)


def names_by_words(names: Mapping[str, str]) -> NamesByWords:
    """Return the lookup table of names of several words, with the longest names of each first word first."""
    by_first: dict[str, dict[int, dict[tuple[str, ...], tuple[str, str]]]] = {}
    for name, pseudonym in names.items():
        words = tuple(_words(folded(name))[1])
        if len(words) > 1:
            closing = name[len(name.rstrip(_PUNCTUATION)) :].rstrip()
            by_first.setdefault(words[0], {}).setdefault(len(words), {})[words] = (pseudonym, closing)
    return {first: dict(sorted(by_length.items(), reverse=True)) for first, by_length in by_first.items()}


def with_names(text: str, names: NamesByWords) -> str:
    """Replace the names of several words in a text, whatever is between their words there.

    Folding changes the length of some letters: `ß` becomes `ss`.
    """
    if names.keys().isdisjoint(words_of(text)):
        return text
    letters = [folded(letter) for letter in text]
    index_of = {offset: index for index, offset in enumerate(accumulate(map(len, letters), initial=0))}
    matches, words = _words("".join(letters))
    most = max(max(by_length) for by_length in names.values())
    parts, end, position = [], 0, 0
    while position < len(words):
        length, replacement = _name_at((matches[position][1], *words[position + 1 : position + most]), names)
        if replacement is not None:
            first, last = index_of.get(matches[position].start()), index_of.get(matches[position + length - 1].end())
            if first is not None and last is not None:
                pseudonym, closing = replacement
                parts += [text[end:first], pseudonym]
                end = last + len(closing) * text.startswith(closing, last)
        position += length
    return "".join(parts) + text[end:]


def _name_at(words: tuple[str, ...], names: NamesByWords) -> tuple[int, tuple[str, str] | None]:
    """Return the number of words of the longest name at the start, and its replacement; (1, None) if there is none."""
    for length, by_words in names.get(words[0], {}).items():
        replacement = by_words.get(words[:length])
        if replacement is not None:
            return length, replacement
    return 1, None
