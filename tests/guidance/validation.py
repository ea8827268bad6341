"""Checks guidance files: their structure against the JSON Schema, their dates, and every reference to a name."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from auditor import resources
from auditor.domain.errors import Diagnostic, InputError
from auditor.domain.message import Message
from auditor.domain.similar_name import did_you_mean
from auditor.guidance import Library, open_library
from auditor.guidance.model import Conditional, Dimension
from auditor.policy.yaml.reader import Document, Path, parse

Entry = tuple[Path, Mapping[str, Any]]
"""A part of a file, with its path."""
LISTS = ("prerequisites", "steps", "warnings", "next", "history", "corrections")
SHARED = {"links.yaml": "links", "terms.yaml": "terms"}
"""Files that are not articles, and their definitions in the schema."""


def validate(texts: Mapping[str, str]) -> None:
    """Raise InputError with every fault of the structure of the files, else with every wrong date or reference."""
    files = [parse(text, file=name) for name, text in texts.items()]
    faults = [fault for file in files for fault in _structure_faults(file)]
    if not faults:
        library = open_library(texts, texts.__getitem__)
        faults = [fault for file in files for fault in _content_faults(file, file.value, library)]
    if faults:
        raise InputError(faults)


def _fault(file: Document, path: Path, message: str, hint: Message | None = None) -> Diagnostic:
    return Diagnostic(slug="guidance-invalid", message=Message(message), hint=hint, span=file.span(path))


@cache
def _validator(name: str) -> Any:
    schema = json.loads(resources.schema("guidance"))
    if name in SHARED:
        schema = {"$schema": schema["$schema"], "$ref": f"#/$defs/{SHARED[name]}", "$defs": schema["$defs"]}
    return jsonschema_rs.validator_for(schema)


def _structure_faults(file: Document) -> Iterator[Diagnostic]:
    for error in _validator(file.file if file.file in SHARED else "").iter_errors(file.value):
        yield _fault(file, tuple(error.instance_path), error.message)


def _content_faults(file: Document, content: Any, library: Library) -> Iterator[Diagnostic]:
    if file.file in SHARED:
        kinds = ("pages", "sites", "documents") if file.file == "links.yaml" else ()
        entries: list[Entry] = [((kind, key), entry) for kind in kinds for key, entry in content[kind].items()]
    else:
        if file.file != f"{content['id']}.yaml":
            yield _fault(file, ("id",), f"the article must be in {content['id']}.yaml")
        entries = list(_entries(content))
        yield from _reference_faults(file, entries, library)
        yield from _duplicate_ids(file, content)
    for path, entry in entries:
        yield from _date_faults(file, path, entry)


def _entries(article: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield an article and every entry of its lists, with its path."""
    yield (), article
    for name in (*LISTS, "roles"):
        yield from (((name, index), entry) for index, entry in enumerate(article.get(name, ())))
    for number, edition in enumerate(article.get("editions", ())):
        yield from ((("editions", number, "steps", index), entry) for index, entry in enumerate(edition["steps"]))


def _date_faults(file: Document, path: Path, entry: Mapping[str, Any]) -> Iterator[Diagnostic]:
    days: dict[str, date] = {}
    for key in ("checked", "effective", "until"):
        try:
            days |= {key: date.fromisoformat(entry[key])} if key in entry else {}
        except ValueError:
            yield _fault(file, (*path, key), f"'{entry[key]}' is no day")
    if "effective" in days and days.get("until", date.max) <= days["effective"]:
        yield _fault(file, (*path, "until"), "the passage ends before it begins")


def _reference_faults(file: Document, entries: list[Entry], library: Library) -> Iterator[Diagnostic]:
    known = {
        "links": [*library.targets, *library.documents],
        "disputed": list(library.documents),
        "article": list(library.articles),
        "role": list(library.terms.roles),
        "source": list(library.documents),
        "sources": list(library.documents),
    }
    for path, entry in entries:
        for key, names in known.items():
            references = entry.get(key, ())
            for name in [references] if isinstance(references, str) else references:
                if name not in names:
                    hint = did_you_mean(name, names)
                    yield _fault(file, (*path, key), f"nothing is called '{name}' here", hint)
        for dimension, values in msgspec.convert({"when": entry.get("when", {})}, Conditional).criteria.items():
            branch = "+".join(values)
            if dimension is not Dimension.CLOUD and branch not in library.terms.branches[dimension]:
                yield _fault(file, (*path, "when"), f"the branch '{branch}' has no label in terms.yaml")


def _duplicate_ids(file: Document, article: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for name in LISTS:
        ids: set[str] = set()
        for index, entry in enumerate(article.get(name, ())):
            if entry["id"] in ids:
                yield _fault(file, (name, index, "id"), f"two entries of {name} are called '{entry['id']}'")
            ids.add(entry["id"])
