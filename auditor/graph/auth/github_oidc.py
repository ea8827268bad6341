"""Requests OpenID Connect assertions of the running GitHub Actions job."""

import asyncio
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from auditor.domain.errors import GraphError
from auditor.domain.message import Message, enumeration, joined
from auditor.graph.request_guard import root_of
from auditor.graph.scrubber import Secrets
from auditor.graph.transport.ca_bundle import tls_context
from auditor.graph.transport.proxy import proxy_of

_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
_PERMISSION_HINT = Message("add `permissions: id-token: write` to the job; pull requests from forks never have it")
_LOCAL_HINT = Message(
    "on your own computer run `az login`, write `credential: {credential}` into a copy of the tenants file, and "
    "specify it with --tenants; without the Azure CLI use `device-code` (docs/sign-in.md)",
    credential="{type: azure-cli}",
)
_MAX_ATTEMPTS = 3
_TIMEOUT = 60.0
"""Seconds for all attempts together."""


async def assertion(audience: str, *, environ: Mapping[str, str], secrets: Secrets, authorities: str | None) -> str:
    """Return a new assertion of the job's identity, valid for about five minutes.

    Raises GraphError, and SettingsError for a proxy that cannot be used.
    """
    url, token = environ.get(_URL, ""), environ.get(_TOKEN, "")
    missing = [name for name, value in ((_URL, url), (_TOKEN, token)) if not value]
    if missing:
        names, hint = enumeration(missing), _PERMISSION_HINT
        message = Message("{missing} not set: GitHub does not issue an identity token to this job", missing=names)
        if environ.get("GITHUB_ACTIONS") != "true":
            hint = joined("; ", (_PERMISSION_HINT, _LOCAL_HINT))
            message = Message(
                "{missing} not set: the credential github-oidc works only in a job of GitHub Actions", missing=names
            )
        raise GraphError("github-oidc-missing", message, hint=hint)
    secrets.add(token)
    if urlsplit(url).scheme != "https":
        raise GraphError(
            "github-oidc-address", Message("{url} is not an https address", url=_URL), hint=_PERMISSION_HINT
        )
    address = f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    try:
        async with asyncio.timeout(_TIMEOUT):
            status, body = await _request(address, token, authorities)
    except TimeoutError:
        raise _unreachable("TimeoutError") from None
    if status != 200:
        raise GraphError(
            "github-oidc-refused",
            Message("GitHub refused to issue an identity token for this job (HTTP {status})", status=status),
            hint=_PERMISSION_HINT,
        )
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise GraphError(
            "github-oidc-answer",
            Message("GitHub's response has no identity token"),
            hint=Message("check which server responds at GitHub's address"),
        )
    return secrets.add(value)


def _unreachable(name: str) -> GraphError:
    return GraphError(
        "github-oidc-unreachable",
        Message("GitHub's identity service does not respond: {name}", name=name),
        hint=Message("check the network, the proxy (HTTPS_PROXY) and the CA certificates (SSL_CERT_FILE)"),
    )


async def _request(address: str, token: str, authorities: str | None) -> tuple[int, bytes]:
    """Send the request; retry if the connection or the service fails. Raises SettingsError for an unusable proxy."""
    import httpx  # noqa: PLC0415 - only collection needs it

    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    proxy, context = proxy_of(root_of(address)), tls_context(authorities)
    async with httpx.AsyncClient(proxy=proxy, verify=context, trust_env=False, timeout=20.0) as client:
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                answer = await client.get(address, headers=headers)
            except httpx.HTTPError as error:
                if attempt == _MAX_ATTEMPTS:
                    raise _unreachable(type(error).__name__) from None
            else:
                if answer.status_code < 500 or attempt == _MAX_ATTEMPTS:
                    return answer.status_code, answer.content
            await asyncio.sleep(0.5 * attempt)
    raise AssertionError(address)


def reference_of(environ: Mapping[str, str], branch: str) -> str:
    """Return the Git reference of the running job; that of the default `branch` outside of jobs and in pull requests.

    A reference with characters that a shell would interpret is ignored, because people paste commands that contain it.
    """
    reference = environ.get("GITHUB_REF", "")
    return reference if re.fullmatch(r"refs/(heads|tags)/[\w./-]+", reference, re.ASCII) else f"refs/heads/{branch}"


def subjects(environ: Mapping[str, str], repository: str, reference: str) -> tuple[str, ...]:
    """Return the possible subjects of a federated credential for a branch or tag of a repository (OWNER/NAME).

    Since 15 July 2026 new, renamed and transferred repositories use the form with ids, which renaming does not change;
    the ids are known only in a job.
    """
    owner, _, name = repository.partition("/")
    owner_id, repository_id = (environ.get(f"GITHUB_REPOSITORY_{key}") for key in ("OWNER_ID", "ID"))
    prefixes = [repository]
    if owner_id and repository_id:
        prefixes.insert(0, f"{owner}@{owner_id}/{name}@{repository_id}")
    return tuple(f"repo:{prefix}:{claim}" for prefix in prefixes for claim in (f"ref:{reference}", "environment:NAME"))
