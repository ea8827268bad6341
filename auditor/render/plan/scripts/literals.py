"""Writes values as PowerShell literals in which no text can become code."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.remedy.requests import quoted

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_HIDDEN: Final = re.compile(
    r"[^ -~\u00a1-\u00ac\u00ae-\u024f\u0370-\u052f\u2010-\u2015\u2018-\u201f\u2026\u20ac\u3041-\u9fff\uac00-\ud7a3]"
)
_WIDTH: Final = 150


def literal(value: Any, *, indent: int = 0) -> str:
    """Return an expression for a value that consists of texts, numbers, booleans, None, lists and mappings.

    Mappings keep their order (`[ordered]`). A value that is too long for one line is written on several, of which all
    but the first are indented, the last one by `indent` spaces.
    """
    match value:
        case None:
            return "$null"
        case bool():
            return "$true" if value else "$false"
        case int():
            return str(value)
        case str():
            return text(value)
        case Mapping():
            items = [f"{key(name)} = {literal(item, indent=indent + 4)}" for name, item in value.items()]
            return _enclosed("[ordered]@{", items, "}", "; ", indent)
        case Sequence():
            return _enclosed("@(", [literal(item, indent=indent + 4) for item in value], ")", ", ", indent)
        case _:
            raise TypeError(f"{type(value).__name__} has no literal")


def key(name: str) -> str:
    """Return a name as a key of a hash table."""
    return name if _NAME.fullmatch(name) else text(name)


def text(value: str) -> str:
    """Return an expression for a text: a single-quoted string, with invisible characters as `[char]` numbers.

    Control characters, line breaks, right-to-left scripts and whatever else an editor may hide, change or reorder are
    written as numbers, so that what a reviewer sees is what runs.
    """
    parts: list[str] = []
    for run in re.split(f"({_HIDDEN.pattern}+)", value):
        if _HIDDEN.match(run):
            parts += [f"[char]0x{unit:04X}" for unit in _units(run)]
        elif run:
            parts.append(quoted(run))
    if not parts:
        return "''"
    if len(parts) == 1 and parts[0].startswith("'"):
        return parts[0]
    return f"({' + '.join(parts if parts[0].startswith(chr(39)) else [chr(39) * 2, *parts])})"


def _units(characters: str) -> list[int]:
    """Return the UTF-16 code units, of which `[char]` in PowerShell is one."""
    data = characters.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]


def _enclosed(opening: str, items: Sequence[str], closing: str, separator: str, indent: int) -> str:
    line = separator.join(items)
    if "\n" not in line and indent + len(line) <= _WIDTH:
        space = " " if opening.endswith("{") and items else ""
        return f"{opening}{space}{line}{space}{closing}"
    inner = " " * (indent + 4)
    return f"{opening}\n" + "\n".join(inner + item for item in items) + f"\n{' ' * indent}{closing}"
