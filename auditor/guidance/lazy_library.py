"""A library of packaged guidance files that are read on first use, without validating them again."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from auditor.domain.errors import InputError
from auditor.guidance.library import article_of, library_of, read_library
from auditor.guidance.model import Article, Library
from auditor.guidance.parser import LINKS, TERMS, read_page

_V = TypeVar("_V")
_SUFFIX: Final = ".yaml"
_TITLE: Final = re.compile(r"^title:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def open_library(names: Iterable[str], read: Callable[[str], str], schema: Callable[[], str]) -> Library:
    """Return the library of packaged files; `read` returns the text of a file.

    An article is read on first use. If a file turns out to be invalid, all files are validated, and InputError reports
    every fault, as in `read_library`.
    """
    return _PackagedFiles(tuple(sorted(names)), read, schema).library()


class _LazyMapping(Mapping[str, _V]):
    """A mapping that creates each value on first access."""

    def __init__(self, keys: Iterable[str], create: Callable[[str], _V]) -> None:
        self._keys = tuple(keys)
        self._create = create
        self._values: dict[str, _V] = {}

    def __getitem__(self, key: str) -> _V:
        if key not in self._values:
            if key not in self._keys:
                raise KeyError(key)
            self._values[key] = self._create(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _PackagedFiles:
    """The packaged files; if one of them is invalid, all are validated to report every fault."""

    def __init__(self, files: tuple[str, ...], read: Callable[[str], str], schema: Callable[[], str]) -> None:
        self._files = files
        self._read = read
        self._schema = schema

    def library(self) -> Library:
        ids = [name.removesuffix(_SUFFIX) for name in self._files if name not in {LINKS, TERMS}]
        articles = _LazyMapping(ids, lambda key: self._or_report_faults(lambda: self._article(key)))
        titles = _LazyMapping(ids, lambda key: self._or_report_faults(lambda: self._title(key)))
        return self._or_report_faults(lambda: library_of(articles, titles, self._content(LINKS), self._content(TERMS)))

    def _article(self, key: str) -> Article:
        return article_of(self._content(key + _SUFFIX))

    def _title(self, key: str) -> str:
        # Many articles are only referred to by title, which can be read without parsing all steps.
        text = self._read(key + _SUFFIX)
        line = _TITLE.search(text)
        return str(read_page(key + _SUFFIX, text if line is None else line[0]).content["title"])

    def _content(self, name: str) -> Mapping[str, Any]:
        return read_page(name, self._read(name)).content

    def _or_report_faults(self, create: Callable[[], _V]) -> _V:
        try:
            return create()
        except (InputError, OSError, LookupError, TypeError, ValueError, AttributeError, msgspec.MsgspecError):
            read_library({name: self._read(name) for name in self._files}, self._schema())
            raise
