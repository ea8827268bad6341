"""Faults that tests register, and the decision to which requests each of them applies."""

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from tests.emulator.wire import Request


class Kind(StrEnum):
    """All kinds of fault; README.md describes what each does and which fields of Fault it reads."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    HTML = "html"
    EMPTY_BODY = "empty-body"
    EXPIRED_PAGE_TOKEN = "expired-page-token"
    LOST_PAGE_TOKEN = "lost-page-token"
    RETRIED_TOKENS = "retried-tokens"
    TOO_MANY_USERS = "too-many-users"
    DENIED = "denied"
    NON_PREMIUM = "non-premium"
    TOKEN_EXPIRED = "token-expired"
    CLAIMS_CHALLENGE = "claims-challenge"
    BAD_REQUEST = "bad-request"
    RESYNC = "resync"
    RESET = "reset"
    TRUNCATED = "truncated"
    SLOW = "slow"
    DRIP = "drip"
    CLOCK_SKEW = "clock-skew"
    NEXT_LINK_LOOP = "next-link-loop"
    NEXT_LINK_FOREIGN = "next-link-foreign"
    NEXT_LINK_MISSING = "next-link-missing"
    EMPTY_PAGE = "empty-page"
    DUPLICATES = "duplicates"
    MOVED = "moved"
    SIGN_IN_EMPTY = "sign-in-empty"
    ERROR_NULL = "error-null"
    NO_LOCKED_OUT = "no-locked-out"
    UNKNOWN_ENUMS = "unknown-enums"
    NULLS = "nulls"
    YEAR_ONE = "year-one"
    EMPTY_DATES = "empty-dates"
    EXTRA_KEYS = "extra-keys"
    UPPER_CASE_IDS = "upper-case-ids"
    COUNT_DRIFT = "count-drift"
    REPORT_INLINE = "report-inline"
    REPORT_REDIRECT = "report-redirect"


REPLACING = frozenset(
    {
        Kind.THROTTLED, Kind.SERVER_ERROR, Kind.HTML, Kind.EMPTY_BODY, Kind.EXPIRED_PAGE_TOKEN, Kind.LOST_PAGE_TOKEN,
        Kind.TOO_MANY_USERS, Kind.DENIED, Kind.NON_PREMIUM, Kind.TOKEN_EXPIRED, Kind.CLAIMS_CHALLENGE, Kind.RESYNC,
        Kind.BAD_REQUEST,
    }
)  # fmt: skip
ON_THE_WIRE = frozenset({Kind.RESET, Kind.TRUNCATED, Kind.SLOW, Kind.DRIP, Kind.CLOCK_SKEW})
ON_REPORTS = frozenset({Kind.REPORT_INLINE, Kind.REPORT_REDIRECT})
_numbers = count(1)


class Fault(Struct, kw_only=True):
    """A registered fault: applies to the `first` matching request, then to each `every`th, at most `times` times.

    `times=None` means no limit. `path` is a glob over the path below the service root (`/users`, `/groups/*/members`),
    `query` a text that the decoded query must contain, `tenant` a name or id. The other fields are specific to kinds.
    """

    kind: Kind
    path: str = "*"
    query: str = ""
    tenant: str = ""
    method: str = ""
    first: int = 1
    every: int = 1
    times: int | None = 1
    status: int = 503
    retry_after: str | None = None
    seconds: float = 0.0
    code: str = ""
    value: str = ""
    number: int = field(default_factory=lambda: next(_numbers))
    seen: int = 0
    hits: int = 0

    def applies(self, request: Request, tenants: tuple[str, ...]) -> bool:
        """Count the request if it matches, and return whether the fault applies to it."""
        if not self._matches(request, tenants):
            return False
        self.seen += 1
        due = self.seen >= self.first and (self.seen - self.first) % self.every == 0
        if not due or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True

    def _matches(self, request: Request, tenants: tuple[str, ...]) -> bool:
        if request.batched and self.kind in ON_THE_WIRE:
            return False
        if self.method and self.method != request.method:
            return False
        if self.tenant and self.tenant.lower() not in tenants:
            return False
        text = "&".join(f"{name}={value}" for name, value in request.query)
        return self.query in text and fnmatchcase(request.path, self.path)


class Registry:
    """The active faults in the order of their registration, and the requests that failed because of one."""

    def __init__(self) -> None:
        self.entries: list[Fault] = []
        self.failed: set[tuple[str, tuple[tuple[str, str], ...]]] = set()

    def add(self, kind: Kind | str, **fields: Any) -> Fault:
        """Register a fault; raises ValueError for an unknown kind and TypeError for an unknown field."""
        fault = Fault(kind=Kind(kind), **fields)
        self.entries.append(fault)
        return fault

    def clear(self) -> None:
        self.entries.clear()
        self.failed.clear()

    def applicable(self, request: Request, tenants: tuple[str, ...], *, graph: bool = True) -> list[Fault]:
        """Return the faults that apply to this request; call this once per request, because it counts requests.

        A fault without a path applies to Graph only; for other hosts set `path`.
        """
        if not self.entries:
            return []
        return [fault for fault in self.entries if (graph or fault.path != "*") and fault.applies(request, tenants)]

    def as_documents(self) -> list[Mapping[str, Any]]:
        return [asdict(fault) for fault in self.entries]
