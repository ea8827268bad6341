"""Parses a guidance file and checks it against the JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from auditor.domain.errors import Diagnostic, InputError, Span
from auditor.domain.message import Message
from auditor.policy.yaml import reader

SLUG: Final = "guidance-invalid"
LINKS: Final = "links.yaml"
TERMS: Final = "terms.yaml"


class GuidanceFile(Struct, frozen=True, kw_only=True):
    """One file: its name, its content, and the parsed document with source spans."""

    name: str
    content: Mapping[str, Any]
    document: reader.Document

    def diagnostic(self, path: reader.Path, message: str, *, hint: str | None = None) -> Diagnostic:
        """Return an error at the value at `path`, or at its nearest existing parent."""
        return invalid(message, hint, self.document.span(path))


def invalid(message: str, hint: str | None, span: Span | None = None) -> Diagnostic:
    """Return an error in a packaged file; only developers see it, so it is not translated."""
    return Diagnostic(slug=SLUG, message=Message(message), hint=None if hint is None else Message(hint), span=span)


class Shape:
    """The JSON Schema of articles, links and terms, compiled once."""

    def __init__(self, schema: str) -> None:
        """Compile the text of guidance.v1.json."""
        # Imported lazily: selecting an article does not need the validator.
        import jsonschema_rs  # noqa: PLC0415

        article = json.loads(schema)
        self._article = jsonschema_rs.validator_for(article)
        self._shared_files = {
            name: jsonschema_rs.validator_for(
                {"$schema": article["$schema"], "$ref": f"#/$defs/{part}", "$defs": article["$defs"]}
            )
            for name, part in ((LINKS, "links"), (TERMS, "terms"))
        }

    def faults(self, page: GuidanceFile) -> Iterator[Diagnostic]:
        """Yield every violation of the schema in a file."""
        hint = "docs/guidance.md and auditor/schemas/guidance.v1.json say what may stand here"
        for error in self._shared_files.get(page.name, self._article).iter_errors(page.content):
            yield page.diagnostic(tuple(error.instance_path), error.message, hint=hint)


def read_page(name: str, text: str) -> GuidanceFile:
    """Parse one file. Raises InputError if it is not YAML, or not a mapping."""
    document = reader.parse(text, file=name)
    if not isinstance(document.value, dict):
        raise InputError(
            [invalid("a guidance file is one YAML mapping", "docs/guidance.md shows one", document.span(()))]
        )
    return GuidanceFile(name=name, content=document.value, document=document)
