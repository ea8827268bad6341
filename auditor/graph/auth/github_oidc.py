"""Asks GitHub for the identity of the running job: a fresh assertion every time."""

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.graph.auth.scrubber import Secrets
from auditor.graph.transport.ca_bundle import context

_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
_PERMISSION = Message("give the job `permissions: id-token: write`; pull requests from forks never have it")
_ATTEMPTS = 3
_LONGEST = 60.0
"""Seconds that all attempts may take together."""


async def assertion(audience: str, *, environ: Mapping[str, str], secrets: Secrets, authorities: str | None) -> str:
    """Return a new assertion of the job's identity; it lives about five minutes. Raises GraphError."""
    url, token = environ.get(_URL, ""), environ.get(_TOKEN, "")
    missing = [name for name, value in ((_URL, url), (_TOKEN, token)) if not value]
    if missing:
        raise GraphError(
            "github-oidc-missing",
            Message("{missing} not set: GitHub gives this job no identity", missing=" and ".join(missing)),
            hint=_PERMISSION,
        )
    secrets.add(token)
    if urlsplit(url).scheme != "https":
        raise GraphError("github-oidc-address", Message("{url} is not an https address", url=_URL), hint=_PERMISSION)
    address = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    import asyncio  # noqa: PLC0415

    try:
        async with asyncio.timeout(_LONGEST):
            status, body = await _ask(address, token, authorities)
    except TimeoutError:
        raise _unreachable("TimeoutError") from None
    if status != 200:
        raise GraphError(
            "github-oidc-refused",
            Message("GitHub refused an identity for this job with HTTP {status}", status=status),
            hint=_PERMISSION,
        )
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise GraphError(
            "github-oidc-answer",
            Message("GitHub's answer holds no identity token"),
            hint=Message("check what answers in GitHub's place"),
        )
    return secrets.add(value)


def _unreachable(name: str) -> GraphError:
    return GraphError(
        "github-oidc-unreachable",
        Message("GitHub's identity service does not answer: {name}", name=name),
        hint=Message("check the network, the proxy (HTTPS_PROXY) and the authorities (SSL_CERT_FILE)"),
    )


async def _ask(address: str, token: str, authorities: str | None) -> tuple[int, bytes]:
    """Send the request, again where the connection or the service fails."""
    import asyncio  # noqa: PLC0415

    import httpx  # noqa: PLC0415 - only collection needs it

    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    async with httpx.AsyncClient(verify=context(authorities), timeout=20.0, follow_redirects=False) as client:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = await client.get(address, headers=headers)
            except httpx.HTTPError as error:
                if attempt == _ATTEMPTS:
                    raise _unreachable(type(error).__name__) from None
            else:
                if answer.status_code < 500 or attempt == _ATTEMPTS:
                    return answer.status_code, answer.content
            await asyncio.sleep(0.5 * attempt)
    raise AssertionError(address)


def subjects(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what a federated credential's subject may look like for this repository, in both of GitHub's forms.

    Since 15 July 2026 new, renamed and transferred repositories use the form with ids, which no rename changes; where
    a variable is not set, a word in capitals stands for it.
    """
    found = os.environ if environ is None else environ
    owner, _, repository = found.get("GITHUB_REPOSITORY", "OWNER/REPOSITORY").partition("/")
    owner_id, repository_id = (
        found.get("GITHUB_REPOSITORY_OWNER_ID", "OWNERID"),
        found.get("GITHUB_REPOSITORY_ID", "REPOSITORYID"),
    )
    reference = found.get("GITHUB_REF") or "refs/heads/main"
    if not re.fullmatch(r"refs/(heads|tags)/.+", reference):
        reference = "refs/heads/main"
    return tuple(
        f"repo:{prefix}:{context_}"
        for prefix in (f"{owner}@{owner_id}/{repository}@{repository_id}", f"{owner}/{repository}")
        for context_ in (f"ref:{reference}", "environment:NAME")
    )
