"""Reads and writes issues of one GitHub repository through the REST API; the token is only sent to the API's host."""

import http.client
import json
import re
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct

from auditor import __version__
from auditor.deliver.https_connection import connection_error, is_private, open_connection
from auditor.domain.errors import DeliveryError, SettingsError, printable
from auditor.domain.message import Message, detailed
from auditor.graph.attempt_outcome import retry_after
from auditor.graph.transport.ca_bundle import authorities

API: Final = "https://api.github.com"
VERSION: Final = "2022-11-28"
LABEL: Final = "auditor"
"""The label of every issue of this program."""
_COLOUR: Final = "5319e7"
_PAGE: Final = 100
_MAX_PAGES: Final = 10_000
_NEXT_LINK: Final = re.compile(r'<([^<>\s]+)>;\s*rel="next"')
_ATTEMPTS: Final = 4
_MAX_WAIT: Final = 300.0
_BETWEEN_WRITES: Final = 1.0
"""Seconds between writing requests, as recommended by GitHub."""
_TIMEOUT: Final = 30.0
_MAX_RESPONSE: Final = 32 * 1024 * 1024
_MAX_QUOTED: Final = 200


class Issue(Struct, frozen=True, kw_only=True):
    """An issue in the repository."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...]
    open: bool
    declined: bool
    """Whether somebody closed it as not planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository and its connection data."""

    name: str
    """OWNER/NAME."""
    api: urllib.parse.SplitResult
    trusted: ssl.SSLContext
    token: str = field(repr=False)
    pause: Callable[[float], None] = time.sleep

    def issues(self) -> Iterator[Issue]:
        """Yield the issues with LABEL, open and closed, the oldest first. Raises DeliveryError."""
        filters = {"state": "all", "labels": LABEL, "sort": "created", "direction": "asc", "per_page": _PAGE}
        query = urllib.parse.urlencode({**filters, "page": 1})
        for page in range(1, _MAX_PAGES + 1):
            issues, headers = self._call_with_headers("GET", f"/issues?{query}")
            if not isinstance(issues, list):
                raise _unexpected("GET /issues")
            yield from (_issue(issue) for issue in issues if "pull_request" not in issue)
            # GitHub refuses high page numbers: its links have a cursor instead. Only their query is used.
            link = _NEXT_LINK.search(headers.get("link", ""))
            if link is None and len(issues) < _PAGE:
                return
            following = urllib.parse.urlencode({**filters, "page": page + 1})
            query = following if link is None else urllib.parse.urlsplit(link[1]).query
        # Issues that are not read would be opened again.
        raise _unexpected("GET /issues")

    def ensure_label(self) -> None:
        """Create LABEL if it is missing: GitHub drops unknown labels, and issues are searched by it."""
        if self._call("GET", f"/labels/{LABEL}", absent_is_none=True) is None:
            self._call("POST", "/labels", {"name": LABEL, "color": _COLOUR, "description": "Licence audit"})

    def create(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        """Open an issue. Raises DeliveryError if it gets no LABEL, because the next run would open it again."""
        issue = _issue(self._call("POST", "/issues", {"title": title, "body": body, "labels": list(labels)}))
        if LABEL not in issue.labels:
            raise DeliveryError(
                "issues-refused",
                Message("issue {number} was opened without the label {label}", number=issue.number, label=LABEL),
                hint=Message("grant the token permission to write issues and labels, and close that issue"),
            )
        return issue

    def update(self, number: int, **changes: object) -> None:
        """Change title, body, labels or state of an issue. Raises DeliveryError."""
        self._call("PATCH", f"/issues/{number}", changes)

    def _call(self, method: str, path: str, document: object = None, *, absent_is_none: bool = False) -> Any:
        return self._call_with_headers(method, path, document, absent_is_none=absent_is_none)[0]

    def _call_with_headers(
        self, method: str, path: str, document: object = None, *, absent_is_none: bool = False
    ) -> tuple[Any, Mapping[str, str]]:
        if method != "GET":
            self.pause(_BETWEEN_WRITES)
        waited = 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            status, headers, body = self._request(method, path, document)
            wait = _retry_delay(status, headers)
            if wait is None or attempt == _ATTEMPTS or waited + wait > _MAX_WAIT:
                break
            self.pause(wait)
            waited += wait
        if 200 <= status < 300:
            try:
                return json.loads(body), headers
            except (ValueError, RecursionError):
                raise _unexpected(f"{method} {path.partition('?')[0]}") from None
        if status == 404 and absent_is_none:
            return None, headers
        raise self._refused(f"{method} {path.partition('?')[0]}", status, body)

    def _request(self, method: str, path: str, document: object) -> tuple[int, Mapping[str, str], bytes]:
        url = f"{self.api.path.rstrip('/')}/repos/{self.name}{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": VERSION,
            "User-Agent": f"auditor/{__version__}",
            "Connection": "close",
        }
        body = None if document is None else json.dumps(document).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection = open_connection(self.api, self.trusted, _TIMEOUT)
            try:
                connection.request(method, url, body=body, headers=headers)
                response = connection.getresponse()
                headers = {name.lower(): value for name, value in response.getheaders()}
                return response.status, headers, response.read(_MAX_RESPONSE)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise DeliveryError(
                "issues-refused",
                Message("{host} cannot be reached: {error}", host=self.api.netloc, error=connection_error(error)),
                hint=Message("try again: existing issues are found again, and none is opened twice"),
            ) from error

    def _refused(self, request: str, status: int, body: bytes) -> DeliveryError:
        try:
            reason = json.loads(body)["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            reason = ""
        failure = Message("GitHub returned HTTP {status} for {request}", request=request, status=status)
        hint = (
            Message(
                "the token in GITHUB_TOKEN needs the permission `issues: write` in {name}, which must have issues",
                name=self.name,
            )
            if status in {401, 403, 404, 410}
            else None
        )
        quoted = printable(str(reason).replace(self.token, "…"))[:_MAX_QUOTED]
        return DeliveryError("issues-refused", detailed(failure, quoted), hint=hint)


def open_repository(
    name: str, environ: Mapping[str, str], *, pause: Callable[[float], None] = time.sleep
) -> Repository:
    """Return a repository with the token in GITHUB_TOKEN, at GITHUB_API_URL or github.com. Raises SettingsError."""
    token = environ.get("GITHUB_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise SettingsError(
            "issues-token",
            Message("the environment variable GITHUB_TOKEN is not set"),
            hint=Message("in a workflow: `env: GITHUB_TOKEN: ${{ github.token }}` and `permissions: issues: write`"),
        )
    text = environ.get("GITHUB_API_URL", "").strip() or API
    try:
        api = urllib.parse.urlsplit(text)
        usable = api.hostname and is_private(api) and "@" not in api.netloc
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "issues-token",
            Message("GITHUB_API_URL is not an address to which a token can be sent"),
            hint=Message("unset it, or write https://HOST/api/v3"),
        )
    trusted = ssl.create_default_context(cafile=authorities(environ))
    return Repository(name=name, api=api, trusted=trusted, token=token, pause=pause)


def _retry_delay(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds after which a rejected request may be repeated; None if it may not be repeated."""
    wait = retry_after(headers)
    limited = status == 429 or (status == 403 and (wait is not None or headers.get("x-ratelimit-remaining") == "0"))
    return (60.0 if wait is None else wait) if limited else None


def _issue(document: Any) -> Issue:
    try:
        return Issue(
            number=int(document["number"]),
            title=str(document["title"]),
            body=str(document.get("body") or "").replace("\r\n", "\n"),
            labels=tuple(str(label["name"]) for label in document.get("labels") or ()),
            open=document["state"] == "open",
            declined=document["state"] != "open" and document.get("state_reason") == "not_planned",
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unexpected("issues") from None


def _unexpected(request: str) -> DeliveryError:
    return DeliveryError(
        "issues-refused",
        Message("the response to {request} is not from GitHub", request=request),
        hint=Message("check GITHUB_API_URL"),
    )
