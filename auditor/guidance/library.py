"""Reads guidance files into a library of articles, and checks every reference."""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from auditor.domain.enums import Cloud
from auditor.domain.errors import Diagnostic, InputError
from auditor.guidance.model import (
    Article,
    Change,
    Criterion,
    Dimension,
    Document,
    Duty,
    Edition,
    Library,
    NextStep,
    Note,
    Order,
    Span,
    Step,
    Target,
    Terms,
    Warning,  # noqa: A004 - the model's word
    When,
)
from auditor.guidance.parser import LINKS, TERMS, GuidanceFile, Shape, invalid, nearest, read_page
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
        raise InputError([_absent(name) for name in missing])
    shape = Shape(schema)
    _refuse(fault for page in pages.values() for fault in shape.faults(page))
    _refuse(fault for page in pages.values() for fault in _impossible(page))
    links, terms = pages.pop(LINKS).content, pages.pop(TERMS).content
    articles = {page.content["id"]: article_of(page.content) for page in pages.values()}
    titles = {name: article.title for name, article in articles.items()}
    library = library_of(MappingProxyType(articles), MappingProxyType(titles), links, terms)
    _refuse(fault for page in pages.values() for fault in _dangling(page, library))
    return library


def library_of(
    articles: Mapping[str, Article], titles: Mapping[str, str], links: Mapping[str, Any], terms: Mapping[str, Any]
) -> Library:
    """Return the library of articles with the values of links.yaml and terms.yaml."""
    return Library(
        articles=articles,
        titles=titles,
        documents=MappingProxyType({key: _document(key, value) for key, value in links["documents"].items()}),
        targets=MappingProxyType(dict(_targets(links))),
        terms=_terms(terms, links["homes"]),
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
    found = tuple(faults)
    if found:
        raise InputError(found)


def _absent(name: str) -> Diagnostic:
    return invalid(f"the guidance folder has no {name}", "reinstall the package")


def _when(content: Mapping[str, Any]) -> When:
    return tuple(
        Criterion(dimension=Dimension(key), values=_values(value)) for key, value in content.get("when", {}).items()
    )


def _values(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value).lower(),)


def _common(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": content["id"], "when": _when(content), "links": tuple(content.get("links", ()))}


def _passage(content: Mapping[str, Any]) -> dict[str, Any]:
    days = (date.fromisoformat(content[key]) if key in content else None for key in _BOUNDS)
    return {**_common(content), "span": Span(**dict(zip(_BOUNDS, days, strict=True)))}


def _note(content: Mapping[str, Any]) -> Note:
    return Note(**_passage(content), text=content["text"])


def _duty(content: Mapping[str, Any]) -> Duty:
    return Duty(role=content["role"], duty=content.get("for"), when=_when(content), source=content.get("source"))


def _step(content: Mapping[str, Any]) -> Step:
    return Step(
        **_passage(content),
        text=content["text"],
        order=Order(content["order"]),
        article=content.get("article"),
        manual=content.get("manual", False),
        irreversible=content.get("irreversible", False),
        dated=content.get("dated"),
    )


def _warning(content: Mapping[str, Any]) -> Warning:
    return Warning(
        **_passage(content),
        text=content["text"],
        loses=content["loses"],
        after=content["after"],
        disputed=tuple(content.get("disputed", ())),
    )


def _next(content: Mapping[str, Any]) -> NextStep:
    return NextStep(**_passage(content), text=content["text"], article=content.get("article"))


def _change(content: Mapping[str, Any]) -> Change:
    return Change(**_common(content), date=content["date"], then=content["then"], now=content["now"])


def _edition(content: Mapping[str, Any]) -> Edition:
    return Edition(
        id=content["id"],
        title=content["title"],
        date=content["date"],
        clouds=tuple(map(Cloud, content["clouds"])),
        steps=tuple(map(_step, content["steps"])),
    )


def article_of(content: Mapping[str, Any]) -> Article:
    """Return the article in the values of its file."""
    return Article(
        id=content["id"],
        title=content["title"],
        summary=content["summary"],
        order=Order(content["order"]),
        checked=date.fromisoformat(content["checked"]),
        sources=tuple(content["sources"]),
        documented=tuple(map(Cloud, content["documented"])),
        roles=tuple(map(_duty, content["roles"])),
        steps=tuple(map(_step, content["steps"])),
        prerequisites=tuple(map(_note, content.get("prerequisites", ()))),
        warnings=tuple(map(_warning, content.get("warnings", ()))),
        next=tuple(map(_next, content.get("next", ()))),
        history=tuple(map(_change, content.get("history", ()))),
        corrections=tuple(map(_note, content.get("corrections", ()))),
        editions=tuple(map(_edition, content.get("editions", ()))),
    )


def _document(key: str, content: Mapping[str, Any]) -> Document:
    return Document(
        id=key,
        title=content["title"],
        url=content["url"],
        date=content.get("date"),
        source=content["source"],
        checked=date.fromisoformat(content["checked"]),
    )


def _targets(links: Mapping[str, Any]) -> Iterator[tuple[str, Target]]:
    for kind in ("pages", "sites"):
        for key, content in links[kind].items():
            urls = MappingProxyType({Cloud(cloud): url for cloud, url in content["urls"].items()})
            yield (
                key,
                Target(
                    id=key,
                    label=content["label"],
                    urls=urls,
                    checked=date.fromisoformat(content["checked"]),
                    home=kind == "pages",
                    closed=content.get("closed"),
                ),
            )


def _terms(content: Mapping[str, Any], homes: Mapping[str, Any]) -> Terms:
    return Terms(
        roles=MappingProxyType(content["roles"]),
        branches=MappingProxyType(
            {Dimension(name): MappingProxyType(labels) for name, labels in content["branches"].items()}
        ),
        notices=MappingProxyType(content["notices"]),
        homes=MappingProxyType({Cloud(cloud): url for cloud, url in homes["urls"].items()}),
        home_label=homes["label"],
    )


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


def _unknown(page: GuidanceFile, route: reader.Path, written: Any, known: list[str]) -> Iterator[Diagnostic]:
    for name in written:
        if name not in known:
            yield page.diagnostic(route, f"nothing is called '{name}' here", hint=nearest(name, known))


def _unlabelled(page: GuidanceFile, route: reader.Path, entry: Mapping[str, Any], terms: Terms) -> Iterator[Diagnostic]:
    for criterion in _when(entry):
        key = "+".join(criterion.values)
        if criterion.dimension is not Dimension.CLOUD and key not in terms.branches[criterion.dimension]:
            hint = f"add branches.{criterion.dimension}.{key} to {TERMS}, or write the values in its order"
            yield page.diagnostic((*route, "when"), f"the branch '{key}' has no label", hint=hint)


def _twice(page: GuidanceFile) -> Iterator[Diagnostic]:
    for name in _LISTS:
        seen: set[str] = set()
        for position, entry in enumerate(page.content.get(name, ())):
            if entry["id"] in seen:
                yield page.diagnostic((name, position, "id"), f"two entries of {name} are called '{entry['id']}'")
            seen.add(entry["id"])
