"""Requests and answers of the emulator, with Graph's headers and error bodies."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from msgspec import Struct, field

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"EMU0"}}'


class Body:
    """The bytes of an answer; compressed only once, because big pages are served many times."""

    __slots__ = ("_compressed", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._compressed: bytes | None = None

    def compressed(self) -> bytes:
        if self._compressed is None:
            self._compressed = gzip.compress(self.plain, compresslevel=1, mtime=0)
        return self._compressed


class Delivery(StrEnum):
    """How the server sends an answer: complete, or with a connection fault."""

    WHOLE = "whole"
    RESET = "reset"
    TRUNCATED = "truncated"
    DRIP = "drip"


class Answer(Struct, kw_only=True):
    """The answer to a request; `delay` is in seconds, before the first byte (for `drip`: over the whole body)."""

    status: int = 200
    body: Body = field(default_factory=lambda: Body(b""))
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE


class Request(Struct, frozen=True, kw_only=True):
    """One request below the service root: `path` starts with a slash and is decoded, headers are lower-case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    root: str = ""
    elsewhere: str = ""
    batched: bool = False

    def parameter(self, name: str) -> str | None:
        """Return the value of a query parameter; the dollar sign of system parameters is optional."""
        bare = name.lstrip("$")
        for key, value in self.query:
            if key.lstrip("$").lower() == bare.lower():
                return value
        return None

    @property
    def eventual(self) -> bool:
        return self.headers.get("consistencylevel", "").lower() == "eventual"

    def document(self) -> dict[str, Any]:
        """Return the JSON body; raises GraphError 400 for anything but a JSON object, as Graph does."""
        try:
            parsed = json.loads(self.body or b"{}")
        except ValueError:
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from None
        if not isinstance(parsed, dict):
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.")
        return parsed


class GraphError(Exception):
    """An error of Graph, raised by a handler and rendered by `failure`; `bare` omits the usual `error` wrapper."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.bare = bare
        self.status = status
        self.code = code
        self.message = message
        self.inner = dict(inner or {})
        self.headers = dict(headers or {})


def split_url(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the path and decoded query of a URL or a relative reference."""
    parts = urlsplit(url)
    return parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON answer with the content type that Graph sends."""
    return Answer(status=status, body=Body(encoded(document)), headers={"Content-Type": JSON_TYPE, **(headers or {})})


def failure(error: GraphError, request: Request) -> Answer:
    """Return the answer of an error in OData's format; its date has no time zone, as in Graph."""
    request_id = str(uuid4())
    inner = {
        **error.inner,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    document: dict[str, Any] = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    if error.bare:
        # The service of eligible roles sends its errors without the `error` wrapper.
        document = {"errorCode": error.code, "message": error.message, "instanceAnnotations": []}
    response = answer(document, status=error.status, headers=error.headers)
    response.headers["request-id"] = request_id
    if error.status == 429:
        # Throttling errors have the plain content type.
        response.headers["Content-Type"] = "application/json"
    return response


def with_headers(response: Answer, request: Request, *, cost: int | None) -> Answer:
    """Add the headers of every Graph answer; `cost` is in resource units, None for operations without them."""
    request_id = response.headers.setdefault("request-id", str(uuid4()))
    response.headers.setdefault("client-request-id", request.headers.get("client-request-id", request_id))
    response.headers.setdefault("x-ms-ags-diagnostic", DIAGNOSTIC)
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.headers.get("Content-Type", "").startswith("application/json;odata"):
        response.headers.setdefault("OData-Version", "4.0")
    if cost is not None and response.status < 400:
        response.headers.setdefault("x-ms-resource-unit", str(cost))
    return response
