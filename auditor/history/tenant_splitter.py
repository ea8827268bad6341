"""A result.json as this program writes it into one tenant after the other: none is read before its turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from mmap import mmap
from typing import Any, Final

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import json_document
from auditor.history.json_reader import damaged

Body = bytes | mmap

_BEGIN: Final = b'\n  "tenants": [\n    {\n'
_KEY: Final = b'\n  "tenants":'
_END: Final = b"\n    }\n  ]"
_NEXT: Final = b"\n    },\n    {\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A file in parts: JSON text has line feeds nowhere but between its values, so they tell where a tenant ends."""

    body: Body
    rest: Any
    """The document, whose list of tenants is empty."""
    places: tuple[tuple[int, int], ...]
    """Where each tenant begins and ends."""

    def tenants(self, where: str) -> Iterator[Any]:
        """Read one tenant after the other; raises ValueError where one is no JSON text of its own."""
        for begin, end in self.places:
            tenant = json_document.quick(self.body[begin:end])
            if not isinstance(tenant, dict):
                damaged(where, Message("holds no JSON object"))
            yield tenant


def cut(body: Body) -> Cut | None:
    """Find the tenants of a file; None where it was not written as this program writes it, or is no JSON text."""
    begin = body.find(_BEGIN)
    if begin < 0:
        return None
    begin += len(_BEGIN) - 2
    end = body.find(_END, begin)
    if end < 0 or body.find(_KEY, begin) >= 0:
        return None
    end += len(_END) - len(b"\n  ]")
    try:
        # What is left out is a list, if what stands in it are values: both are made sure of, here and tenant by tenant.
        rest = json_document.quick(b"".join((body[: begin - len(b"\n    ")], body[end + len(b"\n  ") :])))
    except ValueError:
        return None
    if not isinstance(rest, dict) or rest.get("tenants") != []:
        return None
    return Cut(body=body, rest=rest, places=tuple(_places(body, begin, end)))


def _places(body: Body, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while (found := body.find(_NEXT, begin, end)) >= 0:
        yield begin, found + len(b"\n    }")
        begin = found + len(b"\n    },\n    ")
    yield begin, end


def decoded(body: bytes, where: str) -> Any:
    """Read a whole file with care: every number as it was written. Raises SnapshotError where it is no JSON text."""
    try:
        value = json_document.decode(body, fraction=Decimal)
    except (ArithmeticError, ValueError) as error:
        # A UnicodeDecodeError and a JSONDecodeError both are ValueErrors, and both say where.
        raise SnapshotError(
            "result-damaged",
            Message("{where} is no JSON text: {error}", where=where, error=error),
            hint=Message("was it cut short? run the audit again"),
        ) from error
    return value
