"""Reads a file of HTTP requests as REST clients do: messages between lines of three number signs, variables in braces."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class Message(Struct, frozen=True):
    """One request."""

    name: str
    method: str
    address: str
    headers: Mapping[str, str]
    body: Any
    """The decoded JSON; None where there is none."""


def messages(source: bytes, **variables: str) -> Iterator[Message]:
    """Yield the requests; raises KeyError for a variable that is not given, ValueError for a line that is no request."""
    text = re.sub(r"\{\{(.*?)\}\}", lambda found: variables[found[1].strip()], source.decode())
    for part in re.split(r"(?m)^###", text)[1:]:
        name, _, rest = part.partition("\n")
        head, _, body = rest.partition("\n\n")
        lines = [line for line in head.splitlines() if line and not line.startswith("#")]
        found = re.fullmatch(r"([A-Z]+) (https://\S+) HTTP/1\.1", lines[0])
        if found is None:
            raise ValueError(lines[0])
        headers = dict(line.split(": ", 1) for line in lines[1:])
        content = "\n".join(line for line in body.splitlines() if not line.startswith("#"))
        yield Message(name.strip(), found[1], found[2], headers, json.loads(content) if content.strip() else None)
