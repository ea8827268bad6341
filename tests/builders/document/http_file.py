"""Parses files of HTTP requests like REST clients: `###` separates requests, braces enclose variables."""

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
    """The decoded JSON; None if there is none."""


def messages(source: bytes, **variables: str) -> Iterator[Message]:
    """Yield the requests; raises KeyError for an unknown variable, ValueError for an invalid request line."""
    text = re.sub(r"\{\{(.*?)\}\}", lambda match: variables[match[1].strip()], source.decode())
    for part in re.split(r"(?m)^###", text)[1:]:
        name, _, rest = part.partition("\n")
        head, _, body = rest.partition("\n\n")
        lines = [line for line in head.splitlines() if line and not line.startswith("#")]
        match = re.fullmatch(r"([A-Z]+) (https://\S+) HTTP/1\.1", lines[0])
        if match is None:
            raise ValueError(lines[0])
        headers = dict(line.split(": ", 1) for line in lines[1:])
        content = "\n".join(line for line in body.splitlines() if not line.startswith("#"))
        yield Message(name.strip(), match[1], match[2], headers, json.loads(content) if content.strip() else None)
