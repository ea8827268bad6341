"""The library of guidance articles. Each is read on first use, and not validated: the tests do that."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from auditor.guidance.model import Article, Library, SourceDocument, Target, Terms
from auditor.policy.yaml import reader

_V = TypeVar("_V")
_SUFFIX: Final = ".yaml"
_SHARED: Final = ("links", "terms")
"""Files with what the articles share."""
_TITLE: Final = re.compile(r"^title:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
_SOURCES: Final = re.compile(r"^sources:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


def open_library(names: Iterable[str], read: Callable[[str], str]) -> Library:
    """Return the library of the files with these names; `read` returns the text of a file."""

    def content(key: str) -> Any:
        name = key + _SUFFIX
        return reader.parse(read(name), file=name).value

    def article(key: str) -> Article:
        values = content(key)
        roles = [{**role, "duty": role.get("for")} for role in values["roles"]]
        return msgspec.convert({**values, "roles": roles}, Article)

    def value(key: str, pattern: re.Pattern[str]) -> Any:
        # Many articles are only referred to, by title or main source, which can be read without parsing all steps.
        name = key + _SUFFIX
        parsed: Any = reader.parse(pattern.findall(read(name))[0], file=name).value
        return next(iter(parsed.values()))

    ids = [key for name in sorted(names) if (key := name.removesuffix(_SUFFIX)) not in _SHARED]
    links, terms = map(content, _SHARED)
    documents = {key: msgspec.convert({**item, "id": key}, SourceDocument) for key, item in links["documents"].items()}
    return Library(
        articles=_LazyMapping(ids, article),
        titles=_LazyMapping(ids, lambda key: str(value(key, _TITLE))),
        main_sources=_LazyMapping(ids, lambda key: documents[value(key, _SOURCES)[0]]),
        documents=documents,
        targets={
            key: msgspec.convert({**value, "id": key, "home": kind == "pages"}, Target)
            for kind in ("pages", "sites")
            for key, value in links[kind].items()
        },
        terms=msgspec.convert({**terms, "homes": links["homes"]["urls"], "home_label": links["homes"]["label"]}, Terms),
    )


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
