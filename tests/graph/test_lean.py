"""Tests that the fast path of the SDK builds the same requests as the SDK itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import NationalClouds
from msgraph_core.middleware import GraphTelemetryHandler
from msgraph_core.middleware.options import GraphTelemetryHandlerOption
from opentelemetry.trace import INVALID_SPAN

from auditor.graph.sdk_fast_path import LeanAdapter, LeanTelemetry

_HEADERS = {"x-ms-throttle-priority": "low", "Accept-Encoding": "gzip, deflate"}
_LIST = "https://graph.microsoft.com/v1.0/users?$select=id,displayName&$top=999"


def request_information(address: str = _LIST, *, body: bytes = b"", **headers: str) -> RequestInformation:
    request = RequestInformation()
    request.http_method = Method.POST if body else Method.GET
    request.url = address
    for name, value in headers.items():
        request.headers.try_add(name.replace("_", "-"), value)
    if body:
        request.set_stream_content(body, "application/json")
    return request


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Timeout(60.0, connect=20.0, pool=None)
    async with httpx.AsyncClient(headers=_HEADERS, timeout=limits, trust_env=False) as http:
        yield http


def build_request(adapter: Any, request: RequestInformation) -> httpx.Request:
    result: httpx.Request = adapter.get_request_from_request_information(request, INVALID_SPAN, INVALID_SPAN)
    return result


REQUESTS = {
    "a list": lambda: request_information(Accept="application/json", Authorization="Bearer opaque"),
    "an advanced query": lambda: request_information(ConsistencyLevel="eventual", Accept="text/plain"),
    "other than the client's": lambda: request_information(Accept_Encoding="identity", X_Ms_Throttle_Priority="high"),
    "a link": lambda: request_information(
        "https://graph.microsoft.com:443/v1.0/users?$skiptoken=RFNwd%2B%3D%3D&x=a'b%20c"
    ),
    "a post": lambda: request_information("https://graph.microsoft.com/v1.0/$batch", body=b'{"requests": []}'),
    "this machine": lambda: request_information("http://127.0.0.1:8080/v1.0/users/$count"),
    "without headers": lambda: request_information("https://graph.microsoft.com/v1.0/organization"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_fast_path_builds_the_same_request_as_the_sdk(name: str) -> None:
    async def both() -> tuple[httpx.Request, httpx.Request]:
        async with client() as http:
            provider = AnonymousAuthenticationProvider()
            fast, full = LeanAdapter(provider, client=http), GraphRequestAdapter(provider, client=http)
            build_request(fast, request_information(Cookie="of another request", ConsistencyLevel="eventual"))
            return build_request(fast, REQUESTS[name]()), build_request(full, REQUESTS[name]())

    fast_request, sdk_request = asyncio.run(both())
    assert (fast_request.method, str(fast_request.url), fast_request.content) == (
        sdk_request.method,
        str(sdk_request.url),
        sdk_request.content,
    )
    assert sorted(fast_request.headers.multi_items()) == sorted(sdk_request.headers.multi_items())
    assert fast_request.extensions["timeout"] == sdk_request.extensions["timeout"]
    assert set(fast_request.extensions) == set(sdk_request.extensions)
    fast_options, sdk_options = (
        fast_request.extensions["kiota_request_options"],
        sdk_request.extensions["kiota_request_options"],
    )
    assert set(fast_options) == set(sdk_options)


@pytest.mark.parametrize(
    "address",
    [
        *(f"{cloud.value}/v1.0/users" for cloud in NationalClouds),
        "https://GRAPH.microsoft.com/v1.0/users",
        "http://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://graph.microsoft.com.example/v1.0/users",
        "https://graph.microsoft.com@example.com/v1.0/users",
        "https://user@graph.microsoft.com/v1.0/users",
        "http://127.0.0.1:8080/v1.0/users",
        "https://example.com/https://graph.microsoft.com/",
    ],
)
def test_telemetry_headers_are_sent_only_to_microsofts_graph_hosts(address: str) -> None:
    option = options[GraphTelemetryHandlerOption.get_key()]
    url = httpx.URL(address)
    is_graph = LeanTelemetry(options=option).is_graph_url(url)
    assert is_graph == (f"{url.scheme}://{url.host}" in {cloud.value for cloud in NationalClouds} and url.port is None)
    if "@" not in address:  # the SDK treats a user name as part of the host
        assert is_graph == GraphTelemetryHandler(options=option).is_graph_url(url)


def test_tracing_spans_are_invalid_spans() -> None:
    async def span() -> object:
        async with client() as http:
            return LeanAdapter(AnonymousAuthenticationProvider(), client=http).start_tracing_span(
                request_information(), "get"
            )

    assert asyncio.run(span()) is INVALID_SPAN
