"""Emulates GitHub's REST API for issues and labels of one repository, as documented on docs.github.com."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct, field

from tests.builders.service.mail_relay import authority
from tests.builders.service.web_server import Request, Response, web_server

TOKEN = "ghs_16characterssecret"
REPOSITORY = "contoso/licences"


class GithubApi(Struct, kw_only=True):
    """A repository: its issues and labels, and the requests that were received."""

    ca: Path | None
    """The certificate authority; None for plain http."""
    port: int = 0
    issues: list[dict[str, Any]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers, instead of the real ones."""
    numbered_pages: int = 100
    """The number of pages that can be requested by their number alone; the others need the cursor of a link."""
    may_label: bool = True
    """Whether the token may create labels; GitHub drops unknown ones silently if it may not."""

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.url, "GITHUB_TOKEN": TOKEN, "AUDITOR_CA_BUNDLE": str(self.ca or "")}

    @property
    def url(self) -> str:
        return f"{'http' if self.ca is None else 'https'}://localhost:{self.port}"

    @property
    def writes(self) -> list[str]:
        return [asked for asked in self.asked if not asked.startswith("GET")]

    def add(self, **members: Any) -> dict[str, Any]:
        defaults = {"number": len(self.issues) + 1, "state": "open", "state_reason": None, "body": None, "labels": []}
        self.issues.append({**defaults, **members})
        return self.issues[-1]

    @property
    def open_issues(self) -> list[dict[str, Any]]:
        return [issue for issue in self.issues if issue["state"] == "open"]

    @staticmethod
    def refused(token: str, method: str) -> tuple[int, dict[str, str]] | None:
        """Return the answer that refuses a token, None if it is valid. An emulated job's token is its permissions."""
        if token == TOKEN:
            return None
        if not token.startswith("{"):
            return 401, {"message": f"Bad credentials {token}"}
        granted = json.loads(token).get("issues")
        if granted == "write" or (granted == "read" and method == "GET"):
            return None
        return 403, {"message": "Resource not accessible by integration"}

    def respond(self, request: Request) -> Response:
        url = urlsplit(request.path)
        self.asked.append(f"{request.method} {url.path}")
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["user-agent"], "GitHub refuses requests without one"
        headers: dict[str, str] = {}
        refused = self.refused(request.headers["authorization"].removeprefix("Bearer "), request.method)
        if refused is not None:
            status, answer = refused
        elif self.refusals:
            status, headers = self.refusals.pop(0)
            answer = {"message": "You have exceeded a secondary rate limit"}
        else:
            body = json.loads(request.body) if request.body else None
            query = parse_qs(url.query)
            status, answer = self.answer(request.method, url.path, query, body)
            if request.method == "GET" and url.path.endswith("/issues") and len(answer) == int(query["per_page"][0]):
                query["page"] = [str(int(query["page"][0]) + 1)]
                query["after"] = [f"cursor{query['page'][0]}"]
                headers = {"Link": f'<{self.url}/repositories/1/issues?{urlencode(query, doseq=True)}>; rel="next"'}
        return Response(status=status, headers=headers, body=json.dumps(answer).encode())

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        prefix = f"/repos/{REPOSITORY}"
        match method, path.removeprefix(prefix).split("/")[1:]:
            case _ if not path.startswith(prefix):
                return 404, {"message": "Not Found"}
            case "GET", ["issues"]:
                size, page = int(query["per_page"][0]), int(query["page"][0])
                assert size <= 100
                if page > self.numbered_pages and query.get("after") != [f"cursor{page}"]:
                    return 422, {"message": "Pagination with the page parameter is not supported for large datasets"}
                labels = set(query["labels"][0].split(","))
                matching = [i for i in self.issues if labels <= {label["name"] for label in i["labels"]}]
                matching = [i for i in matching if query["state"][0] in {"all", i["state"]}]
                return 200, matching[(page - 1) * size : page * size]
            case "GET", ["labels", name]:
                return (200, {"name": name}) if name in self.labels else (404, {"message": "Not Found"})
            case "POST", ["labels"]:
                assert re.fullmatch("[0-9a-f]{6}", body["color"])
                if not self.may_label:
                    return 403, {"message": "Resource not accessible by integration"}
                self.labels.add(body["name"])
                return 201, body
            case "POST", ["issues"]:
                assert body["title"]
                assert len(body["body"]) <= 65_536
                return 201, self.add(title=body["title"], body=body["body"], labels=self._create_labels(body["labels"]))
            case "PATCH", ["issues", number]:
                issue = self.issues[int(number) - 1]
                assert body.get("state_reason") in {None, "completed", "not_planned", "reopened"}
                assert body.get("state") in {None, "open", "closed"}
                if "labels" in body:
                    body["labels"] = self._create_labels(body["labels"])
                issue.update(body)
                return 200, issue
            case _:
                return 404, {"message": "Not Found"}

    def _create_labels(self, names: list[str]) -> list[dict[str, str]]:
        if self.may_label:
            self.labels.update(names)
        return [{"name": name} for name in names if name in self.labels]


@contextmanager
def github_api(folder: Path | None = None) -> Iterator[GithubApi]:
    """Serve until the end of the block: over TLS with a certificate authority in `folder`, or over plain http."""
    ca, path = (None, None) if folder is None else authority(folder)
    api = GithubApi(ca=path)
    with web_server(api.respond, ca) as api.port:
        yield api
