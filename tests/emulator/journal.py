"""Turns every request that arrived into a record that tests can ask about."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct, field
from msgspec.structs import asdict


class Host(StrEnum):
    """Which of the emulated hosts was spoken to; `elsewhere` is any host that must never see a token."""

    GRAPH = "graph"
    SIGN_IN = "sign-in"
    GITHUB = "github"
    ELSEWHERE = "elsewhere"


class Record(Struct, frozen=True, kw_only=True):
    """One request, or one item of a $batch; the Authorization header is kept only as the fact that it was there."""

    host: Host
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    authorized: bool
    status: int
    at: float
    sent: int = 0
    tenant: str = ""
    faults: tuple[str, ...] = ()
    batched: bool = False

    def parameter(self, name: str) -> str | None:
        """A query parameter, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True)).get(name)

    @property
    def select(self) -> tuple[str, ...]:
        """The names in $select, none when it was not sent."""
        return tuple(part for part in (self.parameter("$select") or "").split(",") if part)


class Journal(Struct):
    """All records in order of arrival at the handler."""

    records: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        self.records.append(record)

    def clear(self) -> None:
        self.records.clear()

    def of(self, path: str = "*", *, host: Host | None = None, method: str = "") -> Sequence[Record]:
        """Records whose path matches the glob (below the service root), of one host or of all."""
        return [
            record
            for record in self.records
            if fnmatchcase(record.path, path)
            and (host is None or record.host is host)
            and (not method or record.method == method)
        ]

    def writes(self) -> Sequence[Record]:
        """Graph requests that an auditor must never make: all but GET and the two POSTs that only read."""
        reading = {"/$batch", "/directoryObjects/getByIds"}
        return [
            record
            for record in self.of(host=Host.GRAPH)
            if record.method != "GET" and not (record.method == "POST" and record.path in reading)
        ]

    def leaks(self) -> Sequence[Record]:
        """Requests that carried an Authorization header to a host that is not Graph's or GitHub's."""
        return [record for record in self.of(host=Host.ELSEWHERE) if record.authorized]

    def described(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self.records]
