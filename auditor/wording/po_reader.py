"""Turns the text of a .po file into what looks its messages up: nothing to compile, and nothing heavy to load."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations, c2py
from re import compile as pattern
from typing import Final

_LINE: Final = pattern(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])?\s+)?"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = pattern(r"\\(.)")
_MEANT: Final = {"n": "\n", "t": "\t", "r": "\r"}
_FORMS: Final = pattern(r"nplurals=\d+;\s*plural=([^;\\]+);")


@dataclass(slots=True)
class _Entry:
    fuzzy: bool = False
    texts: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        context, message = self.texts.get(("msgctxt", 0)), self.texts.get(("msgid", 0), "")
        return message if context is None else f"{context}\x04{message}"

    @property
    def said(self) -> tuple[str, ...]:
        return tuple(text for (kind, _), text in sorted(self.texts.items()) if kind == "msgstr")


class Messages(NullTranslations):
    """The messages of one catalogue; what it does not have is looked up in its fallback, else stays as it is."""

    def __init__(self, said: Mapping[str, tuple[str, ...]], form: Callable[[int], int], *, whole: bool) -> None:
        super().__init__()
        self.messages: Mapping[str, tuple[str, ...]] = said
        """By the English one; a message that counts has a form for each plural of the language."""
        self.whole: bool = whole
        """Whether every message is said and settled."""
        self._form = form

    def gettext(self, message: str) -> str:
        """Return the translation of a message."""
        found = self.messages.get(message)
        return found[0] if found is not None else super().gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the translation of the form that belongs to a number."""
        found = self.messages.get(msgid1)
        return found[self._form(n)] if found is not None else super().ngettext(msgid1, msgid2, n)

    def pgettext(self, context: str, message: str) -> str:
        """Return the translation of a message that means different things in different places."""
        found = self.messages.get(f"{context}\x04{message}")
        return found[0] if found is not None else super().pgettext(context, message)


def read(text: str) -> Messages:
    """Read the text of a catalogue. Raises ValueError for a line that is no part of one."""
    said: dict[str, tuple[str, ...]] = {}
    whole, form = True, c2py("n != 1")
    for entry in _entries(text):
        if not entry.message:
            found = _FORMS.search(" ".join(entry.said))
            form = c2py(found[1]) if found is not None else form
        else:
            said[entry.message] = entry.said
            whole = whole and not entry.fuzzy and bool(entry.said) and all(entry.said)
    return Messages(said, form, whole=whole)


def _entries(text: str) -> Iterator[_Entry]:
    entry, place = _Entry(), ("", 0)
    for number, line in enumerate(text.splitlines(), start=1):
        found = _LINE.fullmatch(line.strip())
        if not line.strip() or line.startswith("#"):
            if entry.texts:
                yield entry
                entry = _Entry()
            entry.fuzzy = entry.fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        if found is None:
            raise ValueError(f"line {number} of the catalogue is no part of a message: {line[:60]!r}")
        if found[1] in {"msgid", "msgctxt"} and ("msgstr", 0) in entry.texts:
            yield entry
            entry = _Entry()
        if found[1]:
            place = (found[1], int(found[2] or 0))
        written = _ESCAPE.sub(lambda sign: _MEANT.get(sign[1], sign[1]), found[3])
        entry.texts[place] = entry.texts.get(place, "") + written
    if entry.texts:
        yield entry
