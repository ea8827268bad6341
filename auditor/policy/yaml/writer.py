"""Writes values as YAML 1.2 text, and adds items to a list of a file without changing its other bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.domain.errors import Diagnostic, InputError
from auditor.domain.message import Message
from auditor.policy.yaml.reader import Document, parse

_PLAIN: Final = re.compile(r"[A-Za-z_][\w@./+-]*(?: [\w@./+-]+)*|\d{4}-\d\d-\d\d", re.ASCII)
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that some YAML readers parse as a boolean or null."""
_ESCAPED: Final = re.compile("[\x7f-\x9f\xad\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def scalar(value: str) -> str:
    """Return a text as a YAML scalar that every reader reads as that text, in block and flow context."""
    if _PLAIN.fullmatch(value) and value.casefold() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def flow(value: Any) -> str:
    """Return a value of texts, numbers, lists and mappings in flow style, on one line."""
    match value:
        case str():
            return scalar(value)
        case Mapping():
            return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            return json.dumps(value)


def block(items: Sequence[Mapping[str, Any]], *, indent: int = 2) -> str:
    """Return mappings as the items of a block list; each key is on a separate line, with its value in flow style."""
    lines = []
    for item in items:
        for number, (key, value) in enumerate(item.items()):
            lines.append(" " * indent + ("  " if number else "- ") + f"{scalar(key)}: {flow(value)}")
    return "".join(f"{line}\n" for line in lines)


def with_items(text: bytes | None, *, file: str, key: str, items: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the text of a file with items added to the list `key`; None starts a new file.

    Comments, order and line breaks are preserved. Raises InputError for a text that is not valid YAML, or whose list
    cannot be extended (`yaml-not-extensible`).
    """
    if text is None:
        return f"version: 1\n{key}:\n{block(items)}".encode()
    document = parse(text, file=file)
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get(key, []), list):
        raise _not_extensible(document, key)
    written = _insert(text.decode("utf-8"), document, key, items).encode()
    expected = {**value, key: [*value.get(key, []), *items]}
    try:
        same = parse(written, file=file).value == expected
    except InputError:
        same = False
    if not same:
        raise _not_extensible(document, key)
    return written


def _insert(text: str, document: Document, key: str, items: Sequence[Mapping[str, Any]]) -> str:
    lines = re.split("(?<=\n)", text)
    line_break = "\r\n" if lines[0].endswith("\r\n") else "\n"
    insertion = document.end_of((key,))
    if insertion is None:
        head = text if text.endswith("\n") else text + line_break
        return head + f"{key}:\n{block(items)}".replace("\n", line_break)
    if insertion.flow:
        line = lines[insertion.line]
        before, after = line[: insertion.column - 1], line[insertion.column - 1 :]
        if not insertion.items and before.rstrip() == f"{key}: [":
            lines[insertion.line] = f"{key}:{after[1:].rstrip()}\n{block(items)}".replace("\n", line_break)
            return "".join(lines)
        new_items = ", ".join(map(flow, items))
        lines[insertion.line] = before + (", " if insertion.items else "") + new_items + after
        return "".join(lines)
    if insertion.line and not lines[insertion.line - 1].endswith("\n"):
        lines[insertion.line - 1] += line_break
    lines.insert(insertion.line, block(items, indent=insertion.indent).replace("\n", line_break))
    return "".join(lines)


def _not_extensible(document: Document, key: str) -> InputError:
    return InputError(
        [
            Diagnostic(
                slug="yaml-not-extensible",
                message=Message("`{key}` cannot be extended without changing other parts of the file", key=key),
                span=document.span((key,), key=True),
                hint=Message("write `{key}` as a block list, or add the text of --print by hand", key=key),
            )
        ]
    )
