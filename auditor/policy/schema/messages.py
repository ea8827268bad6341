"""Turns an error of a JSON Schema validator into mistakes: what is wrong in words, and what to write instead.

A schema names what it describes in `$comment` ("a number of days"), and shows how it is written in `examples`.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from auditor.policy.schema.selector_synonyms import synonym
from auditor.policy.yaml.messages import described, quoted

if TYPE_CHECKING:
    from jsonschema import ValidationError

Path = tuple[str | int, ...]

UNKNOWN: Final = ("unknown-key", "unknown-property")
KINDS: Final = (
    *UNKNOWN,
    "version",
    "wrong-type",
    "bad-value",
    "out-of-range",
    "empty",
    "missing-key",
    "no-constraint",
    "several-constraints",
    "structure",
)
"""Every slug without its prefix; of two mistakes about one value the earlier kind is told."""
_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}
_TRUE: Final = {"yes", "on", "y", "true"}
_FALSE: Final = {"no", "off", "n", "false"}
_PERCENTAGE: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)[ \t]*%")
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong at a path of a document."""

    path: Path
    kind: str
    """The slug without its prefix."""
    message: str
    hint: str | None = None
    key: str | None = None
    """The key at the path that the mistake is about; None where it is the value there."""
    meant: str | None = None
    """For an unknown key, the one that was probably meant."""
    needs: tuple[str, ...] = ()
    """The keys of which the lack is the mistake."""
    nothing: str | None = None
    """What to say where nothing at all is written."""

    @property
    def identity(self) -> object:
        """What makes two mistakes one: a value has one fault, a mapping one for each key."""
        return (self.path, self.key, self.needs)

    @property
    def rank(self) -> int:
        """Which of two mistakes about one value is told: the lower."""
        return KINDS.index(self.kind)


def mistakes(error: "ValidationError") -> Iterator[Mistake]:
    """Return the mistakes that an error stands for; an error of one keyword may hold several."""
    path: Path = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        yield Mistake(path=path, kind="bad-value", key=name, message=f"{quoted(name)} cannot be a name here")
        return
    match error.validator:
        case "additionalProperties":
            yield from _unknown(error, path)
        case "type":
            yield _wrong_type(error, path)
        case "enum" | "const":
            yield _not_among(error, path)
        case "pattern":
            yield _misshapen(error, path)
        case "minimum" | "maximum":
            yield _out_of_range(error, path)
        case "required":
            yield from _missing(error, path)
        case "dependentRequired":
            yield from _alone(error, path)
        case "oneOf" if isinstance(error.instance, dict):
            yield _not_one(error, path)
        case "oneOf":
            pass  # what is no mapping has no keys to choose from; its type is the mistake, and is told as such
        case "anyOf":
            keys = _options(error)
            message = f"{_subject(error, path)} needs at least one of: {', '.join(keys)}"
            yield Mistake(path=path, kind="empty", message=message, needs=keys)
        case "minProperties" if not path and isinstance(error.instance, dict) and "version" not in error.instance:
            pass  # the lacking version is the mistake, and is told as such
        case "minItems" | "minProperties":
            yield _too_few(error, path)
        case "uniqueItems":
            yield Mistake(path=path, kind="bad-value", message=f"{_label(path)} names something twice")
        case _:
            yield Mistake(path=path, kind="structure", message=f"{_label(path)} does not fit the schema")


def close_to(word: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, letter case aside."""
    if len(word) > _LONGEST_NAME:
        return None
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold(), folded, n=1)
    return folded[close[0]] if close else None


def _label(path: Path) -> str:
    """Return how a value is called: by its key, or by its place in a list."""
    if not path:
        return "the file"
    last = path[-1]
    return quoted(last) if isinstance(last, str) else f"item {last + 1} of {_label(path[:-1])}"


def _subject(error: "ValidationError", path: Path) -> str:
    """Return how a mapping is called: `policy 'e3-spare'` where it says its name itself."""
    mapping: Any = error.instance
    schema: Any = error.schema
    noun = str(schema.get("$comment", "a mapping")).partition(" ")[2]
    name = next((mapping[key] for key in ("id", "name") if isinstance(mapping.get(key), str)), None)
    return f"{noun} {quoted(name)}" if name and path and isinstance(path[-1], int) else _label(path)


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join("null" if name is None else str(name) for name in names)
    return re.sub(r"extensionAttribute1, .*(?=extensionAttribute15)", "extensionAttribute1 to ", shown)


def _noun(schema: Any) -> str:
    if "$comment" in schema:
        return str(schema["$comment"])
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "string")]
    return " or ".join(_TYPES[kind] for kind in kinds)


def _example(schema: Any) -> str | None:
    # The examples of a whole file are for editors: in a hint they would be a page.
    examples = None if "$id" in schema else schema.get("examples")
    return f"for example: {', '.join(_written(example) for example in examples)}" if examples else None


def _written(value: Any) -> str:
    match value:
        case list():
            return f"[{', '.join(_written(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
        case bool():
            return "true" if value else "false"
        case "*":
            return "'*'"
        case _:
            return str(value)


def _unknown(error: "ValidationError", path: Path) -> Iterator[Mistake]:
    schema: Any = error.schema
    known = list(schema.get("properties", {}))
    selector = schema.get("$comment") == "a selector"
    kind = "unknown-property" if selector else "unknown-key"
    mapping: Any = error.instance
    for key in mapping:
        if key in known:
            continue
        meant = synonym(key, known) or close_to(key, known)
        hint = f"did you mean '{meant}'?" if meant else _elsewhere(key, path) or f"known here: {_listed(known)}"
        if selector:
            message = f"unknown property {quoted(key)}"
        elif path:
            message = f"unknown key {quoted(key)} in {_subject(error, path)}"
        else:
            message = f"unknown key {quoted(key)} at the top of the file"
        yield Mistake(path=path, kind=kind, key=key, message=message, hint=hint, meant=meant)


def _elsewhere(key: str, path: Path) -> str | None:
    """Return where a key of a policy belongs that stands inside its constraint block."""
    inside = path[:1] == ("policies",) and len(path) > 2
    if inside and key in {"users", "severity", "title", "tenants", "owner", "rationale", "tags"}:
        return f"'{key}' belongs to the policy itself, beside '{path[2]}'"
    return None


def _wrong_type(error: "ValidationError", path: Path) -> Mistake:
    schema: Any = error.schema
    noun = _noun(schema)
    message = f"{_label(path)} must be {noun}, not {described(error.instance)}"
    nothing = f"{_label(path)} must be {noun}, but nothing is written" if error.instance is None else None
    hint = _instead(error.instance, schema) or _example(schema)
    return Mistake(path=path, kind="wrong-type", message=message, hint=hint, nothing=nothing)


def _instead(value: Any, schema: Any) -> str | None:
    """Return how a value of the wrong type is probably meant."""
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    match value:
        case str() if "boolean" in kinds and value.casefold() in _TRUE | _FALSE:
            return f"write {'true' if value.casefold() in _TRUE else 'false'}, without quotes"
        case str() if {"integer", "number"} & set(kinds) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return "take the quotes away"
        case bool() | int() | float() if "string" in kinds:
            text = _written(value)
            fitting = "pattern" not in schema or re.search(schema["pattern"], text)
            return f"to mean text, write '{text}' in quotes" if fitting else None
        case str() if kinds == ["array"]:
            return f"write a list: [{quoted(value)}]"
        case _:
            return None


def _not_among(error: "ValidationError", path: Path) -> Mistake:
    schema: Any = error.schema
    allowed = schema.get("enum", [schema.get("const")])
    found = described(error.instance)
    if path == ("version",):
        message = f"version {_written(error.instance)} is not known" if error.instance is not None else "no version"
        return Mistake(path=path, kind="version", message=message, hint=f"write 'version: {allowed[0]}'")
    names = [name for name in allowed if isinstance(name, str)]
    meant = close_to(error.instance, names) if isinstance(error.instance, str) else None
    hint = f"did you mean '{meant}'?" if meant else f"one of: {_listed(allowed)}"
    if len(allowed) == 1:
        hint = f"the only value is {_written(allowed[0])}"
    nothing = f"{_label(path)} has no value" if error.instance is None else None
    return Mistake(path=path, kind="bad-value", message=f"{_label(path)} cannot be {found}", hint=hint, nothing=nothing)


def _misshapen(error: "ValidationError", path: Path) -> Mistake:
    schema: Any = error.schema
    value, noun = str(error.instance), _noun(schema)
    message = f"{_label(path)} must be {noun}, not {described(value)}"
    if not value.strip():
        return Mistake(path=path, kind="empty", message=message, hint=_example(schema))
    share = _PERCENTAGE.fullmatch(value)
    if share and "percentage" in noun and not 0 <= float(share[1]) <= 100:
        outside = f"{_label(path)} must lie between 0% and 100%, not at {quoted(value)}"
        return Mistake(path=path, kind="out-of-range", message=outside)
    hint = _example(schema)
    if share and "percentage" in noun:
        hint = f"write {share[1]}%"
    elif "a-z0-9-" in str(schema["pattern"]) and (name := re.sub("[^a-z0-9]+", "-", value.casefold()).strip("-")):
        hint = f"write '{name}'"
    return Mistake(path=path, kind="bad-value", message=message, hint=hint)


def _out_of_range(error: "ValidationError", path: Path) -> Mistake:
    found = _written(error.instance)
    message = f"{_label(path)} must be at most {error.validator_value}, not {found}"
    if error.validator == "minimum":
        message = f"{_label(path)} must be at least {error.validator_value}, not {found}"
    return Mistake(path=path, kind="out-of-range", message=message)


def _missing(error: "ValidationError", path: Path) -> Iterator[Mistake]:
    schema: Any = error.schema
    mapping: Any = error.instance
    needed: Any = error.validator_value
    for key in needed:
        if key in mapping:
            continue
        about = schema.get("properties", {}).get(key)
        description = about.get("description") if isinstance(about, dict) else None
        hint = f"'{key}': {description}" if description else None
        if key == "version" and not path:
            hint = f"write 'version: {about['const']}' at the top"
        message = f"{_subject(error, path)} lacks '{key}'"
        yield Mistake(path=path, kind="missing-key", message=message, hint=hint, needs=(key,))


def _alone(error: "ValidationError", path: Path) -> Iterator[Mistake]:
    mapping: Any = error.instance
    partners: Any = error.validator_value
    for owner, needed in partners.items():
        for key in needed:
            if owner in mapping and key not in mapping:
                message = f"'{owner}' needs '{key}' beside it"
                hint = f"add '{key}', or take '{owner}' away"
                yield Mistake(path=path, kind="missing-key", key=owner, message=message, hint=hint, needs=(key,))


def _options(error: "ValidationError") -> tuple[str, ...]:
    """Return the keys of `anyOf` or `oneOf`, whose branches each require one."""
    branches: Any = error.validator_value
    return tuple(branch["required"][0] for branch in branches)


def _not_one(error: "ValidationError", path: Path) -> Mistake:
    keys = _options(error)
    mapping: Any = error.instance
    schema: Any = error.schema
    present = [key for key in mapping if key in keys]
    policy = schema.get("$comment") == "a policy"
    subject = _subject(error, path)
    if not present:
        kind = "no-constraint" if policy else "missing-key"
        message = f"{subject} has no constraint block" if policy else f"{subject} has none of {' and '.join(keys)}"
        return Mistake(path=path, kind=kind, message=message, hint=f"give one of: {', '.join(keys)}", needs=keys)
    kind = "several-constraints" if policy else "bad-value"
    message = f"{subject} has {' and '.join(present)}, but may have only one of them"
    hint = "write one policy for each block" if policy else f"keep '{present[0]}' or '{present[1]}'"
    return Mistake(path=path, kind=kind, key=present[1], message=message, hint=hint)


def _too_few(error: "ValidationError", path: Path) -> Mistake:
    schema: Any = error.schema
    found: Any = error.instance
    if not path:
        return Mistake(
            path=path,
            kind="empty",
            message="the file holds nothing besides its version",
            hint=f"known here: {_listed(list(schema['properties']))}",
        )
    if found:
        message = f"{_label(path)} needs {error.validator_value} or more items, not {len(found)}"
        return Mistake(path=path, kind="empty", message=message, hint=_example(schema))
    known = schema.get("properties") if isinstance(found, dict) else None
    hint = f"known here: {_listed(list(known))}" if known else "take the key away, or say what it holds"
    return Mistake(path=path, kind="empty", message=f"{_label(path)} is {described(found)}", hint=hint)
