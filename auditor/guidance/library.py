"""Reads guidance files into a library of articles, and checks every reference."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from auditor.domain.errors import Diagnostic, InputError
from auditor.domain.similar_name import did_you_mean
from auditor.guidance.model import Article, Conditional, Dimension, Library, SourceDocument, Target, Terms
from auditor.guidance.parser import LINKS, TERMS, GuidanceFile, Shape, invalid, read_page
from auditor.policy.yaml import reader

_BOUNDS = ("effective", "until")
_LISTS = ("prerequisites", "steps", "warnings", "next", "history", "corrections")


def read_library(texts: Mapping[str, str], schema: str) -> Library:
    """Return the library of `texts` (file name → YAML text); `schema` is the text of guidance.v1.json.

    Raises InputError with every fault of every file.
    """
    pages = _pages(texts)
    missing = [name for name in (LINKS, TERMS) if name not in pages]
    if missing:
        raise InputError(invalid(f"the guidance folder has no {name}", "reinstall the package") for name in missing)
    shape = Shape(schema)
    _raise_if_any(fault for page in pages.values() for fault in shape.faults(page))
    _raise_if_any(fault for page in pages.values() for fault in _date_faults(page))
    links, terms = pages.pop(LINKS).content, pages.pop(TERMS).content
    articles = {page.content["id"]: article_of(page.content) for page in pages.values()}
    titles = {name: article.title for name, article in articles.items()}
    library = library_of(articles, titles, links, terms)
    _raise_if_any(fault for page in pages.values() for fault in _reference_faults(page, library))
    return library


def library_of(
    articles: Mapping[str, Article], titles: Mapping[str, str], links: Mapping[str, Any], terms: Mapping[str, Any]
) -> Library:
    """Return the library of articles with the values of links.yaml and terms.yaml."""
    homes = links["homes"]
    return Library(
        articles=articles,
        titles=titles,
        documents={
            key: msgspec.convert({**value, "id": key}, SourceDocument) for key, value in links["documents"].items()
        },
        targets={
            key: msgspec.convert({**content, "id": key, "home": kind == "pages"}, Target)
            for kind in ("pages", "sites")
            for key, content in links[kind].items()
        },
        terms=msgspec.convert({**terms, "homes": homes["urls"], "home_label": homes["label"]}, Terms),
    )


def _pages(texts: Mapping[str, str]) -> dict[str, GuidanceFile]:
    pages: dict[str, GuidanceFile] = {}
    faults: list[Diagnostic] = []
    for name in sorted(texts):
        try:
            pages[name] = read_page(name, texts[name])
        except InputError as error:
            faults += error.diagnostics
    _raise_if_any(iter(faults))
    return pages


def _raise_if_any(faults: Iterator[Diagnostic]) -> None:
    diagnostics = tuple(faults)
    if diagnostics:
        raise InputError(diagnostics)


def article_of(content: Mapping[str, Any]) -> Article:
    """Return the article of a parsed file."""
    roles = [{**role, "duty": role.get("for")} for role in content["roles"]]
    return msgspec.convert({**content, "roles": roles}, Article)


def _reference_faults(page: GuidanceFile, library: Library) -> Iterator[Diagnostic]:
    """Yield an error for each reference to an unknown name, and for an id that differs from the file name."""
    content = page.content
    if page.name != f"{content['id']}.yaml":
        yield page.diagnostic(("id",), f"the article '{content['id']}' must stand in {content['id']}.yaml")
    known = {
        "links": [*library.targets, *library.documents],
        "disputed": list(library.documents),
        "article": list(library.articles),
        "role": list(library.terms.roles),
        "source": list(library.documents),
    }
    for path, entry in _entries(content):
        for key, names in known.items():
            references = entry.get(key, ())
            yield from _unknown(page, (*path, key), [references] if isinstance(references, str) else references, names)
        yield from _unlabelled(page, path, entry, library.terms)
    yield from _unknown(page, ("sources",), content["sources"], list(library.documents))
    yield from _duplicate_ids(page)


def _date_faults(page: GuidanceFile) -> Iterator[Diagnostic]:
    """Yield an error for each invalid date, and for each passage that ends before it begins."""
    for path, entry in _dated_entries(page):
        days = {}
        for key in ("checked", *_BOUNDS):
            try:
                days[key] = date.fromisoformat(entry[key]) if key in entry else None
            except ValueError:
                hint = "write a day of the calendar as YYYY-MM-DD"
                yield page.diagnostic((*path, key), f"'{entry[key]}' is no day", hint=hint)
        start, end = days.get("effective"), days.get("until")
        if start is not None and end is not None and end <= start:
            hint = "until is the first day on which the passage no longer holds"
            yield page.diagnostic((*path, "until"), f"the passage ends ({end}) before it begins ({start})", hint=hint)


def _dated_entries(page: GuidanceFile) -> Iterator[tuple[reader.Path, Mapping[str, Any]]]:
    if page.name == LINKS:
        for kind in ("pages", "sites", "documents"):
            yield from (((kind, key), entry) for key, entry in page.content[kind].items())
    elif page.name != TERMS:
        yield (), page.content
        yield from _entries(page.content)


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[reader.Path, Mapping[str, Any]]]:
    for name in (*_LISTS, "roles"):
        for index, entry in enumerate(content.get(name, ())):
            yield (name, index), entry
    for edition_index, edition in enumerate(content.get("editions", ())):
        for index, entry in enumerate(edition["steps"]):
            yield ("editions", edition_index, "steps", index), entry


def _unknown(page: GuidanceFile, path: reader.Path, references: Any, names: list[str]) -> Iterator[Diagnostic]:
    for name in references:
        if name not in names:
            yield page.diagnostic(path, f"nothing is called '{name}' here", hint=did_you_mean(name, names))


def _unlabelled(page: GuidanceFile, path: reader.Path, entry: Mapping[str, Any], terms: Terms) -> Iterator[Diagnostic]:
    for dimension, values in msgspec.convert(entry, Conditional).criteria.items():
        key = "+".join(values)
        if dimension is not Dimension.CLOUD and key not in terms.branches[dimension]:
            hint = f"add branches.{dimension}.{key} to {TERMS}, or write the values in its order"
            yield page.diagnostic((*path, "when"), f"the branch '{key}' has no label", hint=hint)


def _duplicate_ids(page: GuidanceFile) -> Iterator[Diagnostic]:
    for name in _LISTS:
        ids: set[str] = set()
        for index, entry in enumerate(page.content.get(name, ())):
            if entry["id"] in ids:
                yield page.diagnostic((name, index, "id"), f"two entries of {name} are called '{entry['id']}'")
            ids.add(entry["id"])
