"""Small reproducible mutations of files: bits, bytes, slices and, if the format is known, single values."""

import json
import marshal
from collections.abc import Iterator
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1 << 31, 1 << 53, (1 << 53) + 1, 1 << 63, 10**30, -(10**30), 0.5, 1e308, -1e-308),
    *("", "x", "\0", "a\x1b[31m", "../../x", "/etc/x", "\ud800", "x" * 300, "contoso", "\u202e"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "1969-12-31"),
    *("1e999999999", "NaN", "-0", "2026-11-20T02:17:00", "2026-11-20T02:17:00Z"),
    *([], {}, [None], {"": None}, [[]], [{}], {"x": {"y": []}}),
)
TOKENS = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\n",
    b"- ",
    b"&a ",
    b"*a ",
)
Value = Any


def of_bytes(body: bytes, random: Random) -> bytes:
    """Return a body with one to three small changes."""
    mutated = bytearray(body)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        position = random.randrange(len(mutated) + 1)
        end = min(len(mutated), position + random.choice((1, 2, 8, 64)))
        match random.randrange(7):
            case 0 if position < len(mutated):
                mutated[position] ^= 1 << random.randrange(8)
            case 1 if position < len(mutated):
                mutated[position] = random.randrange(256)
            case 2:
                del mutated[position:]
            case 3:
                del mutated[position:end]
            case 4:
                mutated[position:position] = mutated[position:end] * random.choice((1, 2, 50))
            case 5:
                mutated[position:position] = random.choice(TOKENS)
            case _:
                offset = random.randrange(len(mutated) + 1)
                mutated[position:end] = mutated[offset : offset + end - position]
    return bytes(mutated)


def of_values(document: Value, random: Random) -> Value:
    """Return a document of plain values in which one or two values were replaced, removed, doubled or nested."""
    changed = _copy(document)
    for _ in range(random.choice((1, 1, 2))):
        owner, key = random.choice(list(_locations(changed)) or [([changed], 0)])
        match random.randrange(8):
            case 0:
                del owner[key]
            case 1 if isinstance(owner, list):
                owner.insert(key, _copy(owner[key]))
            case 1 | 2:
                owner[key] = [owner[key]]
            case 3:
                other, name = random.choice(list(_locations(changed)) or [(owner, key)])
                owner[key] = _copy(other[name])
            case _:
                owner[key] = _copy(random.choice(VALUES))
    return changed


def of_json(document: Value, random: Random) -> bytes:
    """Return the text of a mutated document: changed values, duplicate keys, or changed bytes."""
    kind = random.randrange(4)
    if kind == 0:
        return of_bytes(json.dumps(document, indent=2).encode(), random)
    text = json.dumps(of_values(document, random), indent=2 if kind == 1 else None)
    if kind == 3:
        position = text.find("{", random.randrange(len(text)) if text else 0)
        key = random.choice(("name", "schema", "tenants", "id", "run"))
        text = f'{text[: position + 1]}"{key}": null, {text[position + 1 :]}'
    return text.encode()


def of_yaml(body: bytes, random: Random) -> bytes:
    """Change bytes, or replace one word by a value in JSON, which is valid flow style."""
    if random.randrange(2):
        return of_bytes(body, random)
    parts = body.split(b" ")
    parts[random.randrange(len(parts))] = json.dumps(random.choice(VALUES)).encode() + random.choice((b"", b"\n"))
    return b" ".join(parts)


def small(value: Any) -> Any:
    """Return a document with at most two elements of each list, and forty keys of each object."""
    if isinstance(value, dict):
        return {key: small(item) for key, item in list(value.items())[:40]}
    return [small(item) for item in value[:2]] if isinstance(value, list) else value


def _copy(value: Value) -> Value:
    """Return a copy of plain values; `copy.deepcopy` took most of the time of a mutation."""
    return marshal.loads(marshal.dumps(value))


def _locations(value: Value) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _locations(item)
    elif isinstance(value, list):
        for step, item in enumerate(value):
            yield value, step
            yield from _locations(item)
