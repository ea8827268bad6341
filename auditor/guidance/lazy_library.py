"""Turns guidance files that were checked when they were packaged into a library that reads each when it is named."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from auditor.domain.errors import InputError
from auditor.guidance.library import article_of, library_of, read_library
from auditor.guidance.model import Article, Library
from auditor.guidance.parser import LINKS, TERMS, read_page

_V = TypeVar("_V")
_SUFFIX: Final = ".yaml"
_TITLE: Final = re.compile(r"^title:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def open_library(names: Iterable[str], read: Callable[[str], str], schema: Callable[[], str]) -> Library:
    """Return the library of files that were checked when they were packaged; `read` gives the text of a file.

    An article is read when it is first asked for. Where a file is broken nevertheless, all of them are checked, and
    InputError tells every fault, as read_library does.
    """
    return _Shelf(tuple(sorted(names)), read, schema).library()


class _Lazily(Mapping[str, _V]):
    """A mapping whose values are made when they are first asked for."""

    def __init__(self, keys: Iterable[str], make: Callable[[str], _V]) -> None:
        self._keys = tuple(keys)
        self._make = make
        self._made: dict[str, _V] = {}

    def __getitem__(self, key: str) -> _V:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            self._made[key] = self._make(key)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Shelf:
    """The files, and what happens where one of them is broken."""

    def __init__(self, files: tuple[str, ...], read: Callable[[str], str], schema: Callable[[], str]) -> None:
        self._files = files
        self._read = read
        self._schema = schema

    def library(self) -> Library:
        ids = [name.removesuffix(_SUFFIX) for name in self._files if name not in {LINKS, TERMS}]
        articles = _Lazily(ids, lambda key: self._sound(lambda: self._article(key)))
        titles = _Lazily(ids, lambda key: self._sound(lambda: self._title(key)))
        return self._sound(lambda: library_of(articles, titles, self._content(LINKS), self._content(TERMS)))

    def _article(self, key: str) -> Article:
        return article_of(self._content(key + _SUFFIX))

    def _title(self, key: str) -> str:
        # Many articles are only named by others: for that, nobody waits until all their steps are read.
        text = self._read(key + _SUFFIX)
        line = _TITLE.search(text)
        return str(read_page(key + _SUFFIX, text if line is None else line[0]).content["title"])

    def _content(self, name: str) -> Mapping[str, Any]:
        return read_page(name, self._read(name)).content

    def _sound(self, make: Callable[[], _V]) -> _V:
        try:
            return make()
        except (InputError, OSError, LookupError, TypeError, ValueError, AttributeError):
            read_library({name: self._read(name) for name in self._files}, self._schema())
            raise
