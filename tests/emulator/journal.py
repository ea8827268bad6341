"""Records every request that the emulator receives, for assertions in tests."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

from msgspec import Struct, field


class Host(StrEnum):
    """The emulated host that received a request; `elsewhere` is a host that must never receive a token."""

    GRAPH = "graph"
    SIGN_IN = "sign-in"
    GITHUB = "github"
    ELSEWHERE = "elsewhere"


class Record(Struct, frozen=True, kw_only=True):
    """One request, or one item of a $batch; only the presence of the Authorization header is recorded."""

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
        """Return a query parameter, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True)).get(name)

    @property
    def select(self) -> tuple[str, ...]:
        """The names in $select; empty without $select."""
        return tuple(part for part in (self.parameter("$select") or "").split(",") if part)


class Journal(Struct):
    """All records, in the order in which the requests were handled."""

    records: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        self.records.append(record)

    def clear(self) -> None:
        self.records.clear()

    def of(self, path: str = "*", *, host: Host | None = None, method: str = "") -> Sequence[Record]:
        """Return the records whose path below the service root matches the glob, of one host or of all."""
        return [
            record
            for record in self.records
            if fnmatchcase(record.path, path)
            and (host is None or record.host is host)
            and (not method or record.method == method)
        ]

    def writes(self) -> Sequence[Record]:
        """Return the Graph requests that an auditor must never send: all but GET and the two POSTs that only read."""
        read_only = {"/$batch", "/directoryObjects/getByIds"}
        return [
            record
            for record in self.of(host=Host.GRAPH)
            if record.method != "GET" and not (record.method == "POST" and record.path in read_only)
        ]

    def leaks(self) -> Sequence[Record]:
        """Return the requests that sent an Authorization header to a host other than Graph, sign-in or GitHub."""
        return [record for record in self.of(host=Host.ELSEWHERE) if record.authorized]
