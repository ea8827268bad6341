"""Explains the errors of a JSON Schema validator: what is wrong and what to write instead.

In the schemas, `$comment` is the noun for a value ("a duration in days"), and `examples` shows how to write it.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from auditor.domain.message import Message, alternatives, enumeration
from auditor.domain.similar_name import did_you_mean, similar_name
from auditor.policy.schema.corrections import PERCENTAGE, correction, meant_text
from auditor.policy.schema.mistake import Mistake
from auditor.policy.schema.terms import (
    FILES_OF_KEYS,
    POLICY_KEYS,
    equal_term,
    example,
    explanation,
    is_term,
    joined_names,
    label,
    noun_of,
    outer_keys,
    subject_of,
    synonymous_key,
    yaml_text,
)
from auditor.policy.yaml.messages import quoted, value_description

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from auditor.policy.yaml.reader import Path


def mistakes(error: "ValidationError") -> Iterator[Mistake]:
    """Yield the mistakes in an error of the validator; one error may contain several."""
    path: Path = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        message = Message("{name} is not allowed as a name here", name=quoted(name))
        yield Mistake(path=path, kind="bad-value", key=name, message=message)
        return
    match error.validator:
        case "additionalProperties":
            yield from _unknown(error, path)
        case "type":
            yield _wrong_type(error, path)
        case "enum" | "const":
            yield _not_allowed(error, path)
        case "pattern":
            yield _wrong_pattern(error, path)
        case "minimum" | "maximum":
            yield _out_of_range(error, path)
        case "required":
            yield from _missing(error, path)
        case "dependentRequired":
            yield from _lacks_partner(error, path)
        case "oneOf" if isinstance(error.instance, dict):
            yield _not_exactly_one(error, path)
        case "oneOf":
            pass  # only a mapping has keys to choose from; for other values, the wrong type is reported
        case "anyOf":
            keys = _options(error)
            message = Message(
                "{subject} needs at least one of: {keys}", subject=subject_of(error, path), keys=", ".join(keys)
            )
            hint = example(error.schema) or Message("add one of: {keys}", keys=", ".join(keys))
            yield Mistake(path=path, kind="empty", message=message, hint=hint, needs=keys)
        case "minProperties" if not path and isinstance(error.instance, dict) and "version" not in error.instance:
            pass  # the missing version is reported instead
        case "minItems" | "minProperties":
            yield _too_few(error, path)
        case "uniqueItems":
            yield _duplicate(error, path)
        case _:
            message = Message("{path} does not fit the schema", path=label(path))
            yield Mistake(path=path, kind="structure", message=message)


def _duplicate(error: "ValidationError", path: "Path") -> Mistake:
    items: Any = error.instance
    repeated = next(item for index, item in enumerate(items) if item in items[:index])
    return Mistake(
        path=path,
        kind="bad-value",
        message=Message("{path} has a duplicate entry", path=label(path)),
        hint=Message("write {item} once", item=yaml_text(repeated)),
    )


def _unknown(error: "ValidationError", path: "Path") -> Iterator[Mistake]:
    schema: Any = error.schema
    keys = list(schema.get("properties", {}))
    selector = schema.get("$comment") == "a selector"
    kind = "unknown-property" if selector else "unknown-key"
    mapping: Any = error.instance
    for key in mapping:
        if key in keys:
            continue
        synonym = synonymous_key(key, keys)
        misplaced = None if synonym else _misplaced_key(key, path, keys)
        suggestion = None if misplaced else synonym or similar_name(key, keys)
        hint = misplaced or Message("allowed here: {known}", known=joined_names(keys))
        if suggestion:
            hint = Message("did you mean '{name}'?", name=suggestion)
        if not path and key in FILES_OF_KEYS:
            hint = Message("'{key}' belongs in {file}", key=key, file=FILES_OF_KEYS[key])
        if selector:
            message = Message("unknown property {key}", key=quoted(key))
        elif path:
            message = Message("unknown key {key} in {subject}", key=quoted(key), subject=subject_of(error, path))
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


def _wrong_type(error: "ValidationError", path: "Path") -> Mistake:
    schema: Any = error.schema
    noun = noun_of(schema)
    message = Message(
        "{path} must be {noun}, not {value}", path=label(path), noun=noun, value=value_description(error.instance)
    )
    nothing = (
        Message("{path} must be {noun}, but has no value", path=label(path), noun=noun)
        if error.instance is None
        else None
    )
    hint = correction(error.instance, schema, path) or (
        example(schema) if nothing is None else explanation(path, schema)
    )
    if not path:
        hint = _beginning(error.instance, schema)
    return Mistake(path=path, kind="wrong-type", message=message, hint=hint, nothing=nothing)


def _beginning(value: Any, schema: Any) -> Message:
    """Return the hint for a file that is not a mapping."""
    version = schema["properties"]["version"]["const"]
    if isinstance(value, list):
        section = next(key for key in ("policies", "tests", "tenants", "decisions") if key in schema["properties"])
        return Message(
            "begin with 'version: {version}', and put the list under '{section}:'", version=version, section=section
        )
    return Message("write 'version: {about}' at the top", about=version)


def _not_allowed(error: "ValidationError", path: "Path") -> Mistake:
    schema: Any = error.schema
    allowed = schema.get("enum", [schema.get("const")])
    value = value_description(error.instance)
    if path == ("version",):
        if error.instance == str(allowed[0]):
            noun = Message("a number")
            message = Message("{path} must be {noun}, not {value}", path=label(path), noun=noun, value=value)
            return Mistake(path=path, kind="version", message=message, hint=Message("remove the quotes"))
        message = (
            Message("version {instance} is not known", instance=yaml_text(error.instance))
            if error.instance is not None
            else Message("no version")
        )
        hint = Message("write 'version: {allowed}'", allowed=allowed[0])
        return Mistake(path=path, kind="version", message=message, hint=hint)
    names = [name for name in allowed if isinstance(name, str) and not name[:1].isdigit()]
    suggestion = _meant_value(error.instance, names) if isinstance(error.instance, str) else None
    hint = suggestion or Message("one of: {allowed}", allowed=joined_names(allowed))
    if error.instance == "*" and path and isinstance(path[-1], int):
        hint = Message("'*' must be the only value: write {key}: '*'", key=path[-2])
    if len(allowed) == 1:
        hint = Message("the only value is {allowed}", allowed=yaml_text(allowed[0]))
    nothing = Message("{path} has no value", path=label(path)) if error.instance is None else None
    return Mistake(
        path=path,
        kind="bad-value",
        message=Message("{path} cannot be {found}", path=label(path), found=value),
        hint=hint,
        nothing=nothing,
    )


def _meant_value(text: str, names: Sequence[str]) -> Message | None:
    """Return the hint that suggests a similar value; a term with another number of months is not similar."""
    term = equal_term(text, names)
    if term is not None:
        return Message("did you mean '{name}'?", name=term)
    return None if is_term(text) else did_you_mean(text, names)


def _wrong_pattern(error: "ValidationError", path: "Path") -> Mistake:
    schema: Any = error.schema
    value, noun = str(error.instance), noun_of(schema)
    message = Message("{path} must be {noun}, not {value}", path=label(path), noun=noun, value=value_description(value))
    if not value.strip():
        return Mistake(path=path, kind="empty", message=message, hint=explanation(path, schema))
    share = PERCENTAGE.fullmatch(value)
    if share and "percentage" in noun and not 0 <= float(share[1]) <= 100:
        outside = Message("{path} must be between 0% and 100%, not {value}", path=label(path), value=quoted(value))
        return Mistake(path=path, kind="out-of-range", message=outside, hint=example(schema))
    return Mistake(path=path, kind="bad-value", message=message, hint=meant_text(value, schema))


def _out_of_range(error: "ValidationError", path: "Path") -> Mistake:
    facts = {"path": label(path), "validator_value": error.validator_value, "found": yaml_text(error.instance)}
    message = (
        Message("{path} must be at least {validator_value}, not {found}", **facts)
        if error.validator == "minimum"
        else Message("{path} must be at most {validator_value}, not {found}", **facts)
    )
    schema: Any = error.schema
    return Mistake(path=path, kind="out-of-range", message=message, hint=example(schema))


def _missing(error: "ValidationError", path: "Path") -> Iterator[Mistake]:
    schema: Any = error.schema
    mapping: Any = error.instance
    needed: Any = error.validator_value
    for key in needed:
        if key in mapping:
            continue
        subschema = schema.get("properties", {}).get(key)
        description = subschema.get("description") if isinstance(subschema, dict) else None
        hint = Message("'{key}': {description}", key=key, description=Message(description)) if description else None
        if key == "version" and not path:
            hint = Message("write 'version: {about}' at the top", about=subschema["const"])
        message = Message("{subject} lacks '{key}'", subject=subject_of(error, path), key=key)
        yield Mistake(path=path, kind="missing-key", message=message, hint=hint, needs=(key,))


def _lacks_partner(error: "ValidationError", path: "Path") -> Iterator[Mistake]:
    mapping: Any = error.instance
    partners: Any = error.validator_value
    for owner, needed in partners.items():
        for key in needed:
            if owner in mapping and key not in mapping:
                message = Message("'{owner}' requires '{key}'", owner=owner, key=key)
                hint = Message("add '{key}', or remove '{owner}'", key=key, owner=owner)
                yield Mistake(path=path, kind="missing-key", key=owner, message=message, hint=hint, needs=(key,))


def _options(error: "ValidationError") -> tuple[str, ...]:
    """Return the keys of `anyOf` or `oneOf`, whose branches each require one."""
    branches: Any = error.validator_value
    return tuple(branch["required"][0] for branch in branches)


def _not_exactly_one(error: "ValidationError", path: "Path") -> Mistake:
    keys = _options(error)
    mapping: Any = error.instance
    schema: Any = error.schema
    present = [key for key in mapping if key in keys]
    policy = schema.get("$comment") == "a policy"
    subject = subject_of(error, path)
    if not present:
        kind = "no-constraint" if policy else "missing-key"
        message = (
            Message("{subject} has no constraint block", subject=subject)
            if policy
            else Message("{subject} has none of {keys}", subject=subject, keys=enumeration(keys))
        )
        return Mistake(
            path=path, kind=kind, message=message, hint=Message("add one of: {keys}", keys=", ".join(keys)), needs=keys
        )
    kind = "several-constraints" if policy else "bad-value"
    message = Message(
        "{subject} has {present}, but may have only one of them", subject=subject, present=enumeration(present)
    )
    hint = (
        Message("write one policy for each block")
        if policy
        else Message("keep '{present}' or '{present2}'", present=present[0], present2=present[1])
    )
    return Mistake(path=path, kind=kind, key=present[1], message=message, hint=hint)


def _too_few(error: "ValidationError", path: "Path") -> Mistake:
    schema: Any = error.schema
    value: Any = error.instance
    if not path:
        return Mistake(
            path=path,
            kind="empty",
            message=Message("the file has nothing but its version"),
            hint=Message("allowed here: {known}", known=joined_names(list(schema["properties"]))),
        )
    if value:
        message = Message(
            "{path} needs {validator_value} or more items, not {found}",
            path=label(path),
            validator_value=error.validator_value,
            found=len(value),
        )
        return Mistake(path=path, kind="empty", message=message, hint=example(schema))
    keys = schema.get("properties") if isinstance(value, dict) else None
    hint = (
        Message("allowed here: {known}", known=joined_names(list(keys)))
        if keys
        else Message("remove the key, or give it a value")
    )
    if "description" in schema or isinstance(path[-1], int):
        hint = explanation(path, schema) or hint
    return Mistake(
        path=path,
        kind="empty",
        message=Message("{path} is {found}", path=label(path), found=value_description(value)),
        hint=hint,
    )
