"""A library of packaged guidance files that are read on first use, without validating them again."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from auditor.domain.errors import InputError
from auditor.guidance.library import article_of, library_of, read_library
from auditor.guidance.model import Library
from auditor.guidance.parser import LINKS, TERMS, read_page

_V = TypeVar("_V")
_SUFFIX: Final = ".yaml"
_TITLE: Final = re.compile(r"^title:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def open_library(names: Iterable[str], read: Callable[[str], str], schema: Callable[[], str]) -> Library:
    """Return the library of packaged files; `read` returns the text of a file.

    An article is read on first use. If a file turns out to be invalid, all files are validated, and InputError reports
    every fault, as in `read_library`.
    """
    files = tuple(sorted(names))

    def content(name: str) -> Mapping[str, Any]:
        return read_page(name, read(name)).content

    def title(key: str) -> str:
        # Many articles are only referred to by title, which can be read without parsing all steps.
        text = read(key + _SUFFIX)
        line = _TITLE.search(text)
        return str(read_page(key + _SUFFIX, text if line is None else line[0]).content["title"])

    def valid(create: Callable[[], _V]) -> _V:
        try:
            return create()
        except (InputError, OSError, LookupError, TypeError, ValueError, AttributeError, msgspec.MsgspecError):
            read_library({name: read(name) for name in files}, schema())
            raise

    ids = [name.removesuffix(_SUFFIX) for name in files if name not in {LINKS, TERMS}]
    articles = _LazyMapping(ids, lambda key: valid(lambda: article_of(content(key + _SUFFIX))))
    titles = _LazyMapping(ids, lambda key: valid(lambda: title(key)))
    return valid(lambda: library_of(articles, titles, content(LINKS), content(TERMS)))


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
