"""Explains the errors of a JSON Schema validator: what is wrong and what to write instead.

In the schemas, `$comment` is the noun for a value ("a duration in days"), and `examples` shows how to write it.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.message import Message, alternatives, enumeration
from auditor.domain.similar_name import did_you_mean, similar_name
from auditor.policy.schema.corrections import PERCENTAGE, correction, meant_text
from auditor.policy.schema.descriptions import (
    FILES_OF_KEYS,
    ITEM_KEYS,
    POLICY_KEYS,
    equal_term,
    example,
    explanation,
    is_term,
    joined_names,
    label,
    noun_of,
    outer_keys,
    synonymous_key,
    yaml_text,
)
from auditor.policy.schema.mistake import Mistake
from auditor.policy.yaml.messages import quoted, value_description

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from auditor.policy.yaml.reader import Path


class _Error(Struct, frozen=True):
    """An error of the validator."""

    path: "Path"
    keyword: str
    """The keyword of the schema that the value violates."""
    expected: Any
    """The value of the keyword."""
    value: Any
    schema: Any

    @property
    def label(self) -> Message:
        """The name of the value."""
        return label(self.path)

    @property
    def subject(self) -> Message:
        """The name of a mapping: `policy 'e3-spare'` if it has an id or a name."""
        kind = str(self.schema.get("$comment", Message("a mapping"))).partition(" ")[2]
        name = next((self.value[key] for key in ("id", "name") if isinstance(self.value.get(key), str)), None)
        is_item = bool(self.path) and isinstance(self.path[-1], int)
        return Message(f"{kind} {{name}}", name=quoted(name)) if name and is_item else self.label

    @property
    def options(self) -> tuple[str, ...]:
        """The keys of `anyOf` or `oneOf`, whose branches each require one."""
        return tuple(branch["required"][0] for branch in self.expected)

    def as_mistake(
        self, kind: str, message: Message, hint: Message | None = None, *, nothing: Message | None = None
    ) -> Mistake:
        """Return a mistake about the value."""
        return Mistake(path=self.path, kind=kind, message=message, hint=hint, nothing=nothing)


def mistakes(validation_error: "ValidationError") -> Iterator[Mistake]:
    """Yield the mistakes in an error of the validator; one error may contain several."""
    path: Path = tuple(validation_error.absolute_path)
    if "propertyNames" in validation_error.absolute_schema_path:
        name = str(validation_error.instance)
        message = Message("{name} is not allowed as a name here", name=quoted(name))
        yield Mistake(path=path, kind="bad-value", key=name, message=message)
        return
    error = _Error(
        path,
        str(validation_error.validator),
        validation_error.validator_value,
        validation_error.instance,
        validation_error.schema,
    )
    match error.keyword:
        case "additionalProperties":
            yield from _unknown(error)
        case "type":
            yield _wrong_type(error)
        case "enum" | "const":
            yield _not_allowed(error)
        case "pattern":
            yield _wrong_pattern(error)
        case "minimum" | "maximum":
            yield _out_of_range(error)
        case "required":
            yield from _missing(error)
        case "dependentRequired":
            yield from _lacks_partner(error)
        case "oneOf" if isinstance(error.value, dict):
            yield _not_exactly_one(error)
        case "oneOf":
            pass  # only a mapping has keys to choose from; for other values, the wrong type is reported
        case "anyOf":
            keys = ", ".join(error.options)
            message = Message("{subject} needs at least one of: {keys}", subject=error.subject, keys=keys)
            hint = example(error.schema) or Message("add one of: {keys}", keys=keys)
            yield replace(error.as_mistake("empty", message, hint), needs=error.options)
        case "minProperties" if not path and isinstance(error.value, dict) and "version" not in error.value:
            pass  # the missing version is reported instead
        case "minItems" | "minProperties":
            yield _too_few(error)
        case "uniqueItems":
            repeated = next(item for index, item in enumerate(error.value) if item in error.value[:index])
            message = Message("{path} has a duplicate entry", path=error.label)
            yield error.as_mistake("bad-value", message, Message("write {item} once", item=yaml_text(repeated)))
        case _:
            yield error.as_mistake("structure", Message("{path} does not fit the schema", path=error.label))


def _unknown(error: _Error) -> Iterator[Mistake]:
    path, keys = error.path, list(error.schema.get("properties", {}))
    selector = error.schema.get("$comment") == "a selector"
    kind = "unknown-property" if selector else "unknown-key"
    for key in error.value:
        if key in keys:
            continue
        synonym = synonymous_key(key, keys)
        misplaced = None if synonym else _misplaced_key(key, path, keys)
        suggestion = None if misplaced else synonym or similar_name(key, keys)
        hint = misplaced or Message("allowed here: {known}", known=joined_names(keys))
        if suggestion:
            hint = Message("did you mean '{name}'?", name=suggestion)
        if not path and "policies" in keys and key in {*POLICY_KEYS, *ITEM_KEYS}:
            hint = Message("'{key}' is a key of a policy: write it in an item of the list `policies`", key=key)
        if not path and key in FILES_OF_KEYS:
            hint = Message("'{key}' belongs in {file}", key=key, file=FILES_OF_KEYS[key])
        if selector:
            message = Message("unknown property {key}", key=quoted(key))
        elif path:
            message = Message("unknown key {key} in {subject}", key=quoted(key), subject=error.subject)
        else:
            message = Message("unknown key {key} at the top of the file", key=quoted(key))
        yield Mistake(path=path, kind=kind, key=key, message=message, hint=hint, meant=suggestion)


def _misplaced_key(key: str, path: "Path", keys: Sequence[str]) -> Message | None:
    """Return the hint for a key that was written inside the constraint block of a policy, or outside its mapping."""
    if outer := outer_keys(key, keys):
        return Message("write '{key}' inside {outer}", key=key, outer=alternatives([quoted(name) for name in outer]))
    inside = path[:1] == ("policies",) and len(path) > 2
    if inside and key in POLICY_KEYS:
        return Message("'{key}' is a key of the policy: write it next to '{path}'", key=key, path=path[2])
    return None


def _wrong_type(error: _Error) -> Mistake:
    facts = {"path": error.label, "noun": noun_of(error.schema)}
    message = Message("{path} must be {noun}, not {value}", value=value_description(error.value), **facts)
    nothing = Message("{path} must be {noun}, but has no value", **facts) if error.value is None else None
    hint = correction(error.value, error.schema, error.path) or (
        example(error.schema) if nothing is None else explanation(error.path, error.schema)
    )
    if not error.path:
        hint = _beginning(error.value, error.schema)
    return error.as_mistake("wrong-type", message, hint, nothing=nothing)


def _beginning(value: Any, schema: Any) -> Message:
    """Return the hint for a file that is not a mapping."""
    version = schema["properties"]["version"]["const"]
    if isinstance(value, list):
        section = next(key for key in ("policies", "tests", "tenants", "decisions") if key in schema["properties"])
        return Message(
            "begin with 'version: {version}', and put the list under '{section}:'", version=version, section=section
        )
    return Message("write 'version: {about}' at the top", about=version)


def _not_allowed(error: _Error) -> Mistake:
    path, value = error.path, error.value
    allowed = error.schema.get("enum", [error.schema.get("const")])
    if path == ("version",):
        if value == str(allowed[0]):
            facts = {"path": error.label, "noun": Message("a number"), "value": value_description(value)}
            message = Message("{path} must be {noun}, not {value}", **facts)
            return error.as_mistake("version", message, Message("remove the quotes"))
        message = (
            Message("version {instance} is not known", instance=yaml_text(value))
            if value is not None
            else Message("no version")
        )
        return error.as_mistake("version", message, Message("write 'version: {allowed}'", allowed=allowed[0]))
    names = [name for name in allowed if isinstance(name, str) and not name[:1].isdigit()]
    suggestion = _meant_value(value, names) if isinstance(value, str) else None
    hint = suggestion or Message("one of: {allowed}", allowed=joined_names(allowed))
    if value == "*" and path and isinstance(path[-1], int):
        hint = Message("'*' must be the only value: write {key}: '*'", key=path[-2])
    if len(allowed) == 1:
        hint = Message("the only value is {allowed}", allowed=yaml_text(allowed[0]))
    nothing = Message("{path} has no value", path=error.label) if value is None else None
    message = Message("{path} cannot be {found}", path=error.label, found=value_description(value))
    return error.as_mistake("bad-value", message, hint, nothing=nothing)


def _meant_value(text: str, names: Sequence[str]) -> Message | None:
    """Return the hint that suggests a similar value; a term with another number of months is not similar."""
    term = equal_term(text, names)
    if term is not None:
        return Message("did you mean '{name}'?", name=term)
    # `disabled` is similar to `enabled`, which is the opposite.
    return None if is_term(text) or text == "disabled" else did_you_mean(text, names)


def _wrong_pattern(error: _Error) -> Mistake:
    value, noun = str(error.value), noun_of(error.schema)
    facts = {"path": error.label, "noun": noun, "value": value_description(value)}
    message = Message("{path} must be {noun}, not {value}", **facts)
    if not value.strip():
        return error.as_mistake("empty", message, explanation(error.path, error.schema))
    share = PERCENTAGE.fullmatch(value)
    if share and "percentage" in noun and not 0 <= float(share[1]) <= 100:
        outside = Message("{path} must be between 0% and 100%, not {value}", path=error.label, value=quoted(value))
        return error.as_mistake("out-of-range", outside, example(error.schema))
    return error.as_mistake("bad-value", message, meant_text(value, error.schema))


def _out_of_range(error: _Error) -> Mistake:
    facts = {"path": error.label, "validator_value": error.expected, "found": yaml_text(error.value)}
    message = (
        Message("{path} must be at least {validator_value}, not {found}", **facts)
        if error.keyword == "minimum"
        else Message("{path} must be at most {validator_value}, not {found}", **facts)
    )
    return error.as_mistake("out-of-range", message, example(error.schema))


def _missing(error: _Error) -> Iterator[Mistake]:
    for key in error.expected:
        if key in error.value:
            continue
        subschema = error.schema.get("properties", {}).get(key)
        hint = explanation((*error.path, key), subschema) if isinstance(subschema, dict) else None
        if key == "version" and not error.path:
            hint = Message("write 'version: {about}' at the top", about=subschema["const"])
        message = Message("{subject} lacks '{key}'", subject=error.subject, key=key)
        yield replace(error.as_mistake("missing-key", message, hint), needs=(key,))


def _lacks_partner(error: _Error) -> Iterator[Mistake]:
    for owner, needed in error.expected.items():
        for key in needed:
            if owner in error.value and key not in error.value:
                message = Message("'{owner}' requires '{key}'", owner=owner, key=key)
                hint = Message("add '{key}', or remove '{owner}'", key=key, owner=owner)
                yield replace(error.as_mistake("missing-key", message, hint), key=owner, needs=(key,))


def _not_exactly_one(error: _Error) -> Mistake:
    keys, subject = error.options, error.subject
    present = [key for key in error.value if key in keys]
    policy = error.schema.get("$comment") == "a policy"
    if not present:
        kind = "no-constraint" if policy else "missing-key"
        message = (
            Message("{subject} has no constraint block", subject=subject)
            if policy
            else Message("{subject} has none of {keys}", subject=subject, keys=enumeration(keys))
        )
        hint = Message("add one of: {keys}", keys=", ".join(keys))
        return replace(error.as_mistake(kind, message, hint), needs=keys)
    kind = "several-constraints" if policy else "bad-value"
    message = Message(
        "{subject} has {present}, but may have only one of them", subject=subject, present=enumeration(present)
    )
    hint = (
        Message("write one policy for each block")
        if policy
        else Message("keep '{present}' or '{present2}'", present=present[0], present2=present[1])
    )
    return replace(error.as_mistake(kind, message, hint), key=present[1])


def _too_few(error: _Error) -> Mistake:
    path, value, schema = error.path, error.value, error.schema
    keys = schema.get("properties") if isinstance(value, dict) else None
    hint = Message("allowed here: {known}", known=joined_names(list(keys))) if keys else None
    if not path:
        return error.as_mistake("empty", Message("the file has nothing but its version"), hint)
    if value:
        facts = {"path": error.label, "validator_value": error.expected, "found": len(value)}
        message = Message("{path} needs {validator_value} or more items, not {found}", **facts)
        return error.as_mistake("empty", message, example(schema))
    if "description" in schema or isinstance(path[-1], int):
        hint = explanation(path, schema) or hint
    message = Message("{path} is {found}", path=error.label, found=value_description(value))
    return error.as_mistake("empty", message, hint or Message("remove the key, or give it a value"))
