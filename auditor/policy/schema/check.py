"""Checks the structure of documents against a JSON Schema; one diagnostic per mistake."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec.structs import replace

from auditor import resources
from auditor.domain.errors import Diagnostic, Span
from auditor.domain.message import Count, Message
from auditor.policy.nodes import impossible_date, instant
from auditor.policy.schema.mistake import UNKNOWN, Mistake
from auditor.policy.yaml.reader import Document, Path

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from jsonschema_rs import Draft202012Validator

SchemaName = Literal["policy", "policy-test", "decisions", "tenants"]

_POLICY_REFERENCE: Final = "policy.v1.json#/$defs/"
"""Prefix of a reference to a definition of the policy schema; such definitions are copied, and no file is fetched."""
_MAX_MISTAKES: Final = 200
"""Maximum number of mistakes reported per file; the others are counted."""


def check(document: Document, schema: SchemaName) -> tuple[Diagnostic, ...]:
    """Return the mistakes in the structure of a document, in order of position; empty if it is valid.

    Impossible calendar dates are mistakes too in policy tests, because nothing else validates them.
    """
    mistakes = structure_mistakes(document, schema)[0]
    return (
        tuple(_impossible_dates(document, document.value, ())) if not mistakes and schema == "policy-test" else mistakes
    )


def structure_mistakes(document: Document, schema: SchemaName) -> tuple[tuple[Diagnostic, ...], tuple[Path, ...]]:
    """Return the mistakes in the structure of a document, in order of position, and the paths of the invalid values.

    Of more than `_MAX_MISTAKES` the first are returned, and a diagnostic at the next one says how many there are.
    """
    if fits(document.value, schema):
        return (), ()
    mistakes = _mistakes(document.value, schema)
    prefix = "tenants" if schema == "tenants" else "policy"
    found = [(_diagnostic(document, mistake, prefix), _path(mistake)) for mistake in mistakes]
    found.sort(key=lambda item: _sort_key(item[0]))
    diagnostics, paths = zip(*found[:_MAX_MISTAKES], strict=True)
    if len(found) <= _MAX_MISTAKES:
        return diagnostics, paths
    return (*diagnostics, _omitted(len(found) - _MAX_MISTAKES, found[_MAX_MISTAKES][0])), paths


def _omitted(count: int, first: Diagnostic) -> Diagnostic:
    message = Message(
        "mistakes in the structure of this file that are not listed, from here on: {count}", count=Count(count)
    )
    return replace(first, slug="many-mistakes", message=message, hint=Message("correct the mistakes above first"))


def fits(value: object, schema: SchemaName) -> bool:
    """Return whether a plain value is valid."""
    return _yes_no_validator(schema).is_valid(value)


def _impossible_dates(document: Document, value: object, path: Path) -> Iterator[Diagnostic]:
    """Yield diagnostics for texts below a path that have the form of a date but are not in the calendar."""
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _impossible_dates(document, inner, (*path, step))
    elif isinstance(value, str) and _is_date(path) and instant(value) is None:
        yield impossible_date(value, document.span(path))


def _is_date(path: Path) -> bool:
    return str(path[-1]).endswith(("DateTime", "asOf", "copilot")) or "lastActivity" in path


@cache
def schema_document(name: SchemaName) -> dict[str, Any]:
    """Return a schema without references to other files: definitions of the policy schema are copied into it."""
    text = resources.schema(name)
    schema: dict[str, Any] = json.loads(text.replace(_POLICY_REFERENCE, "#/$defs/"))
    if _POLICY_REFERENCE in text:
        schema["$defs"] = {**schema_document("policy")["$defs"], **schema["$defs"]}
    return schema


@cache
def _yes_no_validator(name: SchemaName) -> "Draft202012Validator":
    """Return the validator that only tells whether a value is valid; it is a hundred times faster."""
    import jsonschema_rs  # noqa: PLC0415

    return jsonschema_rs.Draft202012Validator(schema_document(name))


@cache
def _explaining_validator(name: SchemaName) -> "Validator":
    """Return the validator that explains mistakes."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415

    # NOTE: `$` in Python also matches before a final line break, unlike in JSON Schema and in the other validator.
    strict: type[Validator] = validators.extend(Draft202012Validator, {"pattern": _pattern, "$ref": _reference})  # type: ignore[no-untyped-call]
    return strict(_with_required_descriptions(schema_document(name)))


def _with_required_descriptions(schema: Any) -> Any:
    """Return a schema in which only required keys have a description, because messages explain only those."""
    if isinstance(schema, list):
        return [_with_required_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: _with_required_descriptions(value) for key, value in schema.items()}
    keys = copy.get("properties", {})
    branches = [branch["then"] for branch in copy.get("allOf", ()) if "then" in branch]
    required = {key for part in (copy, *branches) for key in part.get("required", ())}
    for key, subschema in keys.items():
        if key not in required and isinstance(subschema, dict):
            subschema.pop("description", None)
    for branch in branches:
        properties = branch.get("properties", {})
        branch["properties"] = {key: keys.get(key) or subschema for key, subschema in properties.items()}
    return copy


def _reference(validator: Any, reference: str, instance: object, schema: Any) -> Iterator[Exception]:
    """Yield the errors of a definition; an error about the value itself gets the description of the referring key."""
    texts = {key: schema[key] for key in ("description", "examples") if key in schema}
    for error in validator._validate_reference(ref=reference, instance=instance):  # noqa: SLF001  as jsonschema's own
        if not error.path and isinstance(error.schema, dict):
            error.schema = {**error.schema, **texts}
        yield error


def _pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[Exception]:
    from jsonschema import ValidationError  # noqa: PLC0415

    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _mistakes(value: Any, schema: SchemaName) -> list[Mistake]:
    from auditor.policy.schema import messages  # noqa: PLC0415  valid files need no messages

    errors = _explaining_validator(schema).iter_errors(value)
    mistakes = _without_consequences(mistake for error in errors for mistake in messages.mistakes(error))
    return mistakes or [Mistake(path=(), kind="structure", message=Message("the file does not fit its schema"))]


def _without_consequences(mistakes: "Iterable[Mistake]") -> list[Mistake]:
    """Drop consequences of other mistakes: one mistake per value, and a misspelt key is not also a missing key."""
    first: dict[object, Mistake] = {}
    for mistake in sorted(mistakes, key=lambda item: item.rank):
        first.setdefault(mistake.identity, mistake)
    suggestions: dict[tuple[str | int, ...], set[str]] = {}
    for mistake in first.values():
        if mistake.kind in UNKNOWN and mistake.meant is not None:
            suggestions.setdefault(mistake.path, set()).add(mistake.meant)
    return [item for item in first.values() if not suggestions.get(item.path, set()).intersection(item.needs)]


def _diagnostic(document: Document, mistake: "Mistake", prefix: str) -> Diagnostic:
    path = _path(mistake)
    span = document.span(path, key=mistake.key is not None)
    message, hint = mistake.message, mistake.hint
    if mistake.nothing and span.end_column is None:
        span = document.span(path, key=True)
        message, hint = mistake.nothing, mistake.hint
    return Diagnostic(slug=f"{prefix}-{mistake.kind}", message=message, span=span, hint=hint)


def _path(mistake: "Mistake") -> Path:
    return mistake.path if mistake.key is None else (*mistake.path, mistake.key)


def _sort_key(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    span = diagnostic.span or Span(file="", line=0, column=0)
    return span.line, span.column, diagnostic.slug, diagnostic.message
