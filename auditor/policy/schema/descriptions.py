"""Texts about the values that a JSON Schema describes: their names, kinds and examples."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from auditor import resources
from auditor.domain.message import Message, alternatives
from auditor.policy.yaml.messages import quoted

if TYPE_CHECKING:
    from auditor.policy.yaml.reader import Path

_TYPES: Final = {
    "string": Message("text"),
    "integer": Message("a whole number"),
    "number": Message("a number"),
    "boolean": Message("true or false"),
    "null": Message(json.dumps(None)),
    "array": Message("a list"),
    "object": Message("a mapping"),
}
FILES_OF_KEYS: Final = {
    "decisions": "policies/decisions.yaml",
    "tests": "policies/*_test.yaml",
    **dict.fromkeys(("tenants", "mail", "webhooks"), "tenants.yaml"),
    **dict.fromkeys(("populations", "products", "policies", "waivers", "prices", "contracts"), "policies/*.yaml"),
}
"""Key at the top of a file → the usual names of the files that have it."""
POLICY_KEYS: Final = frozenset(
    ("users", "severity", "status", "title", "tenants", "owner", "rationale", "tags", "references", "frameworks")
)
"""Keys of a policy that people mistakenly write inside its constraint block."""
ITEM_KEYS: Final = frozenset(
    ("id", "assignments", "seats", "purchases", "subscriptions", "attributes", "health", "balance", "budget")
)
"""Other keys of a policy that people mistakenly write at the top of a file, like POLICY_KEYS."""
_SYNONYMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("group", "groups", "membership", "ismemberof"), "memberOf"),
    **dict.fromkeys(("license", "licence", "licenses", "licences", "product", "products", "sku"), "holds"),
    **dict.fromkeys(("enabled", "active", "blocked", "disabled"), "accountEnabled"),
    **dict.fromkeys(("email", "emailaddress", "primarysmtpaddress"), "mail"),
    **dict.fromkeys(("upn", "user", "username", "login"), "userPrincipalName"),
    **dict.fromkeys(("name", "fullname"), "displayName"),
    **dict.fromkeys(("company", "organization", "organisation"), "companyName"),
    **dict.fromkeys(("costcentre", "employeeorgdata"), "costCenter"),
    **dict.fromkeys(("title", "job"), "jobTitle"),
    **dict.fromkeys(("location",), "usageLocation"),
    **dict.fromkeys(("office",), "officeLocation"),
    **dict.fromkeys(("guest", "usertypes"), "userType"),
    **dict.fromkeys(("inactive", "lastsignin", "notsignedinfor"), "inactiveFor"),
    **dict.fromkeys(("notusedin", "unusedin", "lastactivity", "serviceinactive"), "inactiveIn"),
    **dict.fromkeys(("apps", "desktopapps", "unusedapps"), "appsUnused"),
    **dict.fromkeys(("mailbox", "mailboxsize", "largemailbox"), "mailboxUsage"),
    **dict.fromkeys(("isagent", "agentuser", "bot"), "agent"),
    **dict.fromkeys(("created", "createdafter"), "createdWithin"),
    **dict.fromkeys(("role", "roles", "directoryrole", "directoryroles", "adminrole"), "hasRole"),
    **dict.fromkeys(("conditionalaccess", "capolicy", "ca"), "coveredBy"),
    **dict.fromkeys(("or", "anyof"), "any"),
    **dict.fromkeys(("and", "allof"), "all"),
    **dict.fromkeys(("except", "exclude", "none"), "not"),
}
"""Common synonyms of keys of selectors, in lower case."""
_MORE_SYNONYMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("eq", "$eq", "=", "==", "equal", "equals"), "is"),
    **dict.fromkeys(("ne", "$ne", "!=", "<>", "isnot", "notequals"), "not"),
    **dict.fromkeys(("$in", "oneof"), "in"),
    **dict.fromkeys(("$nin", "nin", "noneof"), "notIn"),
    **dict.fromkeys(("like", "glob", "regex", "pattern", "contains", "startswith", "endswith"), "matches"),
    **dict.fromkeys(("olderthan", "lt", "$lt", "<"), "before"),
    **dict.fromkeys(("newerthan", "youngerthan", "gt", "$gt", ">", "since"), "after"),
    "present": "exists",
    "name": "title",
    **dict.fromkeys(("enabled", "disabled", "active", "mode"), "status"),
    **dict.fromkeys(("include", "includes", "import", "imports"), "extends"),
    **dict.fromkeys(("description", "reason", "why"), "rationale"),
    **dict.fromkeys(("until", "expiry", "expiration", "end", "ends", "validuntil"), "expires"),
}
"""Common synonyms of operators, and of keys of policies and waivers, in lower case."""


def synonymous_key(word: str, keys: Sequence[str]) -> str | None:
    """Return the key of which a word is a common synonym; None if there is none."""
    folded = word.casefold()
    meant = (_SYNONYMS.get(folded), _MORE_SYNONYMS.get(folded))
    return next((key for key in meant if key in keys), None)


def outer_keys(key: str, keys: Sequence[str]) -> list[str]:
    """Return those of the keys whose mappings have a key, as `spare` has `min`."""
    return [outer for outer in keys if key in _inner_keys().get(outer, ())]


@cache
def _inner_keys() -> Mapping[str, set[str]]:
    """Return the keys of the mapping that each key of a policy file has, by the name of that key."""
    schema = json.loads(resources.schema("policy"))
    inner: dict[str, set[str]] = {}
    parts = [schema]
    while parts:
        part = parts.pop()
        for name, value in part.get("properties", {}).items() if isinstance(part, dict) else ():
            reference = str(value.get("$ref", "")).removeprefix("#/$defs/")
            inner.setdefault(name, set()).update(schema["$defs"].get(reference, value).get("properties", {}))
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return inner


def label(path: "Path") -> Message:
    """Return the name of a value: its key, or its position in a list."""
    if not path:
        return Message("the file")
    last = path[-1]
    if isinstance(last, str):
        return Message(quoted(last))
    return Message("item {last} of {path}", last=last + 1, path=label(path[:-1]))


def joined_names(names: Sequence[object]) -> str:
    """Return names separated by commas; the fifteen extension attributes are shortened to a range."""
    shown = ", ".join("null" if name is None else str(name) for name in names)
    return re.sub(r"extensionAttribute1, .*(?=extensionAttribute15)", "extensionAttribute1 to ", shown)


def noun_of(schema: Any) -> Message:
    """Return the noun for the value that a schema expects: its `$comment`, or else its types."""
    if "$comment" in schema:
        template: str = schema["$comment"]
        return Message(template)
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "string")]
    return alternatives([_TYPES[kind] for kind in kinds])


def example(schema: Any) -> Message | None:
    """Return the examples of a schema as a hint; None for a schema without examples, and for the schema of a file."""
    examples = None if "$id" in schema else schema.get("examples")
    return Message("for example: {example}", example=", ".join(map(yaml_text, examples))) if examples else None


def explanation(path: "Path", schema: Any) -> Message | None:
    """Return the purpose of the empty or missing key at a path, and an example; None for a schema without both.

    Required keys have a description in the schema. A file and an item of a list have no key, and get only the example.
    """
    shown, about = example(schema), schema.get("description")
    if about is None or not path or isinstance(path[-1], int):
        return shown
    if shown is None:
        return Message("'{key}': {description}", key=path[-1], description=Message(about))
    example_of = shown.arguments["example"]
    return Message("'{key}': {about} For example: {example}", key=path[-1], about=Message(about), example=example_of)


def yaml_text(value: Any) -> str:
    """Return a value in YAML notation."""
    match value:
        case list():
            return f"[{', '.join(yaml_text(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{key}: {yaml_text(item)}' for key, item in value.items())}}}"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str() if value.startswith("*"):
            return f"'{value}'"
        case _:
            return str(value)


def equal_term(text: str, terms: Iterable[str]) -> str | None:
    """Return the term with as many months as a text such as `P12M`; None if there is none."""
    months = {_months(term): term for term in terms}
    return None if _months(text) is None else months.get(_months(text))


def is_term(text: str) -> bool:
    """Return whether a text is an ISO 8601 duration of years or months."""
    return _months(text) is not None


def _months(term: str) -> int | None:
    """Return the months of an ISO 8601 duration of years or months; None for any other text."""
    duration = _TERM.fullmatch(term)
    return None if duration is None else int(duration[1]) * (12 if duration[2] == "Y" else 1)


_TERM: Final = re.compile(r"P([0-9]{1,3})([YM])")
