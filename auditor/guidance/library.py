"""Reads guidance files into a library of articles, and checks every reference."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from auditor.domain.errors import Diagnostic, InputError
from auditor.domain.similar_name import did_you_mean
from auditor.guidance.model import Article, Conditional, Dimension, Document, Library, Target, Terms
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
    _refuse(fault for page in pages.values() for fault in shape.faults(page))
    _refuse(fault for page in pages.values() for fault in _impossible(page))
    links, terms = pages.pop(LINKS).content, pages.pop(TERMS).content
    articles = {page.content["id"]: article_of(page.content) for page in pages.values()}
    titles = {name: article.title for name, article in articles.items()}
    library = library_of(articles, titles, links, terms)
    _refuse(fault for page in pages.values() for fault in _dangling(page, library))
    return library


def library_of(
    articles: Mapping[str, Article], titles: Mapping[str, str], links: Mapping[str, Any], terms: Mapping[str, Any]
) -> Library:
    """Return the library of articles with the values of links.yaml and terms.yaml."""
    homes = links["homes"]
    return Library(
        articles=articles,
        titles=titles,
        documents={key: msgspec.convert({**value, "id": key}, Document) for key, value in links["documents"].items()},
        targets={target.id: target for target in _targets(links)},
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
    _refuse(iter(faults))
    return pages


def _refuse(faults: Iterator[Diagnostic]) -> None:
    diagnostics = tuple(faults)
    if diagnostics:
        raise InputError(diagnostics)


def article_of(content: Mapping[str, Any]) -> Article:
    """Return the article in the values of its file."""
    roles = [{**role, "duty": role.get("for")} for role in content["roles"]]
    return msgspec.convert({**content, "roles": roles}, Article)


def _targets(links: Mapping[str, Any]) -> Iterator[Target]:
    for kind in ("pages", "sites"):
        for key, content in links[kind].items():
            yield msgspec.convert({**content, "id": key, "home": kind == "pages"}, Target)


def _dangling(page: GuidanceFile, library: Library) -> Iterator[Diagnostic]:
    """Yield every reference in an article to something unknown, and every id that differs from its file's name."""
    content = page.content
    if page.name != f"{content['id']}.yaml":
        yield page.diagnostic(("id",), f"the article '{content['id']}' must stand in {content['id']}.yaml")
    for route, entry in _entries(content):
        yield from _unknown(page, (*route, "links"), entry.get("links", ()), [*library.targets, *library.documents])
        yield from _unknown(page, (*route, "disputed"), entry.get("disputed", ()), list(library.documents))
        yield from _unknown(page, (*route, "article"), _optional(entry, "article"), list(library.articles))
        yield from _unknown(page, (*route, "role"), _optional(entry, "role"), list(library.terms.roles))
        yield from _unknown(page, (*route, "source"), _optional(entry, "source"), list(library.documents))
        yield from _unlabelled(page, route, entry, library.terms)
    yield from _unknown(page, ("sources",), content["sources"], list(library.documents))
    yield from _twice(page)


def _impossible(page: GuidanceFile) -> Iterator[Diagnostic]:
    """Yield every date that is not in the calendar, and every passage that ends before it begins."""
    for route, entry in _dated(page):
        days = {}
        for key in ("checked", *_BOUNDS):
            try:
                days[key] = date.fromisoformat(entry[key]) if key in entry else None
            except ValueError:
                hint = "write a day of the calendar as YYYY-MM-DD"
                yield page.diagnostic((*route, key), f"'{entry[key]}' is no day", hint=hint)
        first, end = days.get("effective"), days.get("until")
        if first is not None and end is not None and end <= first:
            hint = "until is the first day on which the passage no longer holds"
            yield page.diagnostic((*route, "until"), f"the passage ends ({end}) before it begins ({first})", hint=hint)


def _dated(page: GuidanceFile) -> Iterator[tuple[reader.Path, Mapping[str, Any]]]:
    match page.name:
        case name if name == LINKS:
            for kind in ("pages", "sites", "documents"):
                yield from (((kind, key), entry) for key, entry in page.content[kind].items())
        case name if name == TERMS:
            return
        case _:
            yield (), page.content
            yield from _entries(page.content)


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[reader.Path, Mapping[str, Any]]]:
    for name in (*_LISTS, "roles"):
        for position, entry in enumerate(content.get(name, ())):
            yield (name, position), entry
    for outer, edition in enumerate(content.get("editions", ())):
        for position, entry in enumerate(edition["steps"]):
            yield ("editions", outer, "steps", position), entry


def _optional(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return (entry[key],) if key in entry else ()


def _unknown(page: GuidanceFile, route: reader.Path, written: Any, names: list[str]) -> Iterator[Diagnostic]:
    for name in written:
        if name not in names:
            yield page.diagnostic(route, f"nothing is called '{name}' here", hint=did_you_mean(name, names))


def _unlabelled(page: GuidanceFile, route: reader.Path, entry: Mapping[str, Any], terms: Terms) -> Iterator[Diagnostic]:
    for dimension, values in msgspec.convert(entry, Conditional).criteria.items():
        key = "+".join(values)
        if dimension is not Dimension.CLOUD and key not in terms.branches[dimension]:
            hint = f"add branches.{dimension}.{key} to {TERMS}, or write the values in its order"
            yield page.diagnostic((*route, "when"), f"the branch '{key}' has no label", hint=hint)


def _twice(page: GuidanceFile) -> Iterator[Diagnostic]:
    for name in _LISTS:
        ids: set[str] = set()
        for position, entry in enumerate(page.content.get(name, ())):
            if entry["id"] in ids:
                yield page.diagnostic((name, position, "id"), f"two entries of {name} are called '{entry['id']}'")
            ids.add(entry["id"])
