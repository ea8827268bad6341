"""Suggests what to write instead of a value that does not fit its schema."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from auditor.domain.message import Message
from auditor.policy.schema.descriptions import example, noun_of, yaml_text
from auditor.policy.yaml.messages import quoted

if TYPE_CHECKING:
    from auditor.policy.yaml.reader import Path

_TRUE: Final = {"yes", "on", "y", "true"}
_FALSE: Final = {"no", "off", "n", "false"}
_SEVERAL: Final = {"is": "in", "not": "notIn"}
"""Operators for one value, and those for several."""


def correction(value: Any, schema: Any, path: "Path") -> Message | None:
    """Return a hint on how to correct a value of the wrong type; None if the intended value is unclear."""
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    match value:
        case [_, *_] if path and path[-1] in _SEVERAL and "object" not in kinds:
            return Message("use '{key}' for several values", key=_SEVERAL[str(path[-1])])
        case [dict()] if "object" in kinds and "array" not in kinds and "properties" in schema:
            return Message("remove the '-' before its keys, or the brackets around it")
        case dict() if kinds == ["array"] and len(path) == 1:
            return Message("write a list: a '-' before the first key of each item")
        case str() if "boolean" in kinds and value.casefold() in _TRUE | _FALSE:
            return _boolean(value.casefold())
        case str() if {"integer", "number"} & set(kinds) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return Message("remove the quotes")
        case int() if "string" in kinds and _is_duration(value, schema):
            return Message("write {text}", text=f"{value}d")
        case bool() | int() | float() if "string" in kinds:
            text = yaml_text(value)
            matches = "pattern" not in schema or re.search(schema["pattern"], text)
            return Message("write '{text}' in quotes if it is text", text=text) if matches else None
        case str() if kinds == ["array"] and all(isinstance(item, str) for item in chain(*schema.get("examples", ()))):
            if schema.get("minItems", 1) > 1:
                return Message(
                    "write a list of {count} or more: [{value}, …]", count=schema["minItems"], value=quoted(value)
                )
            return Message("write a list: [{value}]", value=quoted(value))
        case _:
            return None


def _is_duration(value: int, schema: Any) -> bool:
    """Return whether a number lacks only the unit of a duration."""
    pattern = schema.get("pattern")
    return pattern is not None and not re.search(pattern, str(value)) and bool(re.search(pattern, f"{value}d"))


def _boolean(word: str) -> Message:
    """Return a hint on how to write `true` or `false` instead of a word; only the words themselves have quotes."""
    match word:
        case "true":
            return Message("write true, without quotes")
        case "false":
            return Message("write false, without quotes")
        case _:
            return Message("write {text}", text="true" if word in _TRUE else "false")


def meant_text(text: str, schema: Any) -> Message | None:
    """Return a hint on how to correct a text that does not have the form that a schema requires."""
    items = schema.get("items", {})
    if "integer" in schema.get("type", ()) and re.fullmatch("[0-9]+", text):
        return Message("remove the quotes")
    if "before" in schema.get("properties", {}) and _DURATION.fullmatch(text):
        return Message("write {early} or {late}", early=f"{{before: {text}}}", late=f"{{after: {text}}}")
    if items and "enum" not in items and re.search(items.get("pattern", ""), text):
        return Message("write a list: [{value}]", value=quoted(text))
    meant = next((written for written in _rewritten(text) if re.search(schema["pattern"], written)), None)
    if meant is not None:
        return Message("write {text}", text=meant)
    if _WITHOUT_ZONE.fullmatch(text) and "time zone" in noun_of(schema):
        return Message("add the time zone: {text}Z", text=text)
    if _INSTANT.fullmatch(text) and re.search(schema["pattern"], text[:10]):
        return Message("write {text}", text=text[:10])
    if "a-z0-9-" in str(schema["pattern"]) and (name := re.sub("[^a-z0-9]+", "-", text.casefold()).strip("-")):
        return Message("write '{name}'", name=name)
    if _YEAR.search(text) and "a date" in noun_of(schema):
        return Message("write a date as 2027-01-31")
    return example(schema)


def _rewritten(text: str) -> Iterator[str]:
    """Yield a text in the notations of percentages, sizes, durations, dates and currencies, where it has a meaning."""
    plain = text.strip()
    if share := PERCENTAGE.fullmatch(plain):
        yield f"{share[1]}%"
    if size := _SIZE.fullmatch(plain):
        yield f"{size[1]}{'k' if size[2] in 'kK' else size[2].upper()}B"
    if duration := _DURATION.fullmatch(plain):
        yield f"{int(duration[1]) * (7 if duration[2] in 'wW' else 1)}d"
    if numbers := _YEAR_FIRST.fullmatch(plain):
        yield from _date(*map(int, numbers.groups()))
    if numbers := _YEAR_LAST.fullmatch(plain):
        day, month, year = map(int, numbers.groups())
        if day > _MONTHS or day == month:
            yield from _date(year, month, day)
        elif month > _MONTHS:
            yield from _date(year, day, month)
    if len(plain) == _CURRENCY_LETTERS:
        yield plain.upper()


def _date(year: int, month: int, day: int) -> Iterator[str]:
    """Yield a date; nothing if it is not in the calendar."""
    try:
        yield date(year, month, day).isoformat()
    except ValueError:
        return


_SIZE: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9])?) *([kKmMgGtT])[A-Za-z]*")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+(?:[Zz]|[+-][0-9:]+)?")
_WITHOUT_ZONE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?")
PERCENTAGE: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)[ \t]*(?:%|percent)")
_DURATION: Final = re.compile(r"P?([0-9]{1,5})[ \t]*([dw])(?:ays?|eeks?)?", re.IGNORECASE | re.ASCII)
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_YEAR: Final = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_MONTHS: Final = 12
_CURRENCY_LETTERS: Final = 3
