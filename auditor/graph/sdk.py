"""Builds the SDK's client with one allowed host and an explicit scope, and without the SDK's redirects and retries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from auditor.graph.auth.credentials import SignIn
from auditor.graph.request_guard import Root, check_request
from auditor.graph.transport.proxy import proxy_of

if TYPE_CHECKING:
    import httpx
    from msgraph import GraphServiceClient

    from auditor.graph.transport.aiohttp_transport import Connections
    from auditor.graph.transport.response_record import ResponseRecord


@asynccontextmanager
async def open_sdk(
    root: Root,
    sign_in: SignIn,
    *,
    connections: "Connections",
    mail: bool = False,
    record: "ResponseRecord | None" = None,
) -> "AsyncIterator[GraphServiceClient]":
    """Open the SDK's client for one Graph root; every request passes `check_request`.

    These parts of the SDK's middleware are left out: its retry handler (it ignores decimal and long Retry-After values,
    gives up on 500 and connection resets, and hides retries), its redirect handler (it would send requests to other
    hosts), its decoder of parameter names (addresses are built decoded, links are opaque), and handlers without effect
    on the auditor's requests.
    """
    import httpx  # noqa: PLC0415 - only collection needs these
    from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: PLC0415
        AzureIdentityAuthenticationProvider,
    )
    from kiota_http.middleware import UserAgentHandler  # noqa: PLC0415
    from msgraph import GraphServiceClient  # noqa: PLC0415
    from msgraph.graph_request_adapter import options  # noqa: PLC0415
    from msgraph_core import GraphClientFactory  # noqa: PLC0415
    from msgraph_core.middleware.options import GraphTelemetryHandlerOption  # noqa: PLC0415

    from auditor.graph.sdk_fast_path import LeanAdapter, LeanTelemetry  # noqa: PLC0415
    from auditor.graph.transport.aiohttp_transport import AiohttpTransport, CookielessClient  # noqa: PLC0415

    async def guard(request: "httpx.Request") -> None:
        check_request(request, root, mail=mail)

    # The SDK wraps the transport and never closes it; this one owns nothing that must be closed.
    transport = AiohttpTransport(connections.graph(sign_in.authorities), proxy=proxy_of(root), record=record)
    client = CookielessClient(
        transport=transport,
        timeout=httpx.Timeout(60.0, connect=20.0, pool=None),
        follow_redirects=False,
        trust_env=False,
        event_hooks={"request": [guard]},
        headers={"x-ms-throttle-priority": "low", "Accept-Encoding": "gzip, deflate"},
    )
    telemetry = options[GraphTelemetryHandlerOption.get_key()]
    handlers = [UserAgentHandler(), LeanTelemetry(options=telemetry)]
    provider = AzureIdentityAuthenticationProvider(sign_in, scopes=[sign_in.scope], allowed_hosts=[root.host])
    async with client:
        adapter = LeanAdapter(
            provider, client=GraphClientFactory.create_with_custom_middleware(handlers, client=client)
        )
        adapter.base_url = root.url
        yield GraphServiceClient(request_adapter=adapter)
