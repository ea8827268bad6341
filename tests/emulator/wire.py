"""Turns handlers' results into HTTP answers with Graph's headers and error bodies."""

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
    """The bytes of an answer; the compressed form is made once, because big pages are served many times."""

    __slots__ = ("_packed", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        if self._packed is None:
            self._packed = gzip.compress(self.plain, compresslevel=1, mtime=0)
        return self._packed


class Delivery(StrEnum):
    """How the bytes go out: faults of the wire are told apart here, the server carries them out."""

    WHOLE = "whole"
    RESET = "reset"
    TRUNCATED = "truncated"
    DRIP = "drip"


class Answer(Struct, kw_only=True):
    """What goes back; `delay` is in seconds, before the first byte."""

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
        """The value of a query parameter; system parameters may be written without their dollar sign."""
        bare = name.lstrip("$")
        for key, value in self.query:
            if key.lstrip("$").lower() == bare.lower():
                return value
        return None

    @property
    def eventual(self) -> bool:
        return self.headers.get("consistencylevel", "").lower() == "eventual"

    def document(self) -> dict[str, Any]:
        """The JSON body; raises GraphError 400 as Graph does for anything else."""
        try:
            parsed = json.loads(self.body or b"{}")
        except ValueError:
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from None
        if not isinstance(parsed, dict):
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.")
        return parsed


class GraphError(Exception):
    """An error answer of Graph, raised by a handler and rendered by `failure`."""

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
    """The path and decoded query of a URL or a relative reference."""
    parts = urlsplit(url)
    return parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer with the content type that Graph sends."""
    return Answer(status=status, body=Body(encoded(document)), headers={"Content-Type": JSON_TYPE, **(headers or {})})


def failure(error: GraphError, request: Request) -> Answer:
    """The OData error body; its date carries no zone, as on the wire."""
    request_id = str(uuid4())
    inner = {
        **error.inner,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request.headers.get("client-request-id", request_id),
    }
    document: dict[str, Any] = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    if error.bare:
        # The service of eligible roles does not wrap its errors.
        document = {"errorCode": error.code, "message": error.message, "instanceAnnotations": []}
    made = answer(document, status=error.status, headers=error.headers)
    made.headers["request-id"] = request_id
    if error.status == 429:
        # Throttling errors come with the plain content type.
        made.headers["Content-Type"] = "application/json"
    return made


def finished(made: Answer, request: Request, *, cost: int | None) -> Answer:
    """The answer with the headers that every Graph answer bears; `cost` in resource units, None off the directory."""
    request_id = made.headers.setdefault("request-id", str(uuid4()))
    made.headers.setdefault("client-request-id", request.headers.get("client-request-id", request_id))
    made.headers.setdefault("x-ms-ags-diagnostic", DIAGNOSTIC)
    made.headers.setdefault("Cache-Control", "no-cache")
    made.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if made.headers.get("Content-Type", "").startswith("application/json;odata"):
        made.headers.setdefault("OData-Version", "4.0")
    if cost is not None and made.status < 400:
        made.headers.setdefault("x-ms-resource-unit", str(cost))
    return made
