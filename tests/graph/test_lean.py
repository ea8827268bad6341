"""What is sent in less processor time is what the SDK itself would send."""

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


def asking(address: str = _LIST, *, body: bytes = b"", **headers: str) -> RequestInformation:
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
    async with httpx.AsyncClient(headers=_HEADERS, timeout=limits, trust_env=False) as made:
        yield made


def built(adapter: Any, request: RequestInformation) -> httpx.Request:
    found: httpx.Request = adapter.get_request_from_request_information(request, INVALID_SPAN, INVALID_SPAN)
    return found


REQUESTS = {
    "a list": lambda: asking(Accept="application/json", Authorization="Bearer opaque"),
    "an advanced query": lambda: asking(ConsistencyLevel="eventual", Accept="text/plain"),
    "other than the client's": lambda: asking(Accept_Encoding="identity", X_Ms_Throttle_Priority="high"),
    "a link": lambda: asking("https://graph.microsoft.com:443/v1.0/users?$skiptoken=RFNwd%2B%3D%3D&x=a'b%20c"),
    "a post": lambda: asking("https://graph.microsoft.com/v1.0/$batch", body=b'{"requests": []}'),
    "this machine": lambda: asking("http://127.0.0.1:8080/v1.0/users/$count"),
    "without headers": lambda: asking("https://graph.microsoft.com/v1.0/organization"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_request_is_the_one_that_the_sdk_builds(name: str) -> None:
    async def both() -> tuple[httpx.Request, httpx.Request]:
        async with client() as http:
            provider = AnonymousAuthenticationProvider()
            lean, whole = LeanAdapter(provider, client=http), GraphRequestAdapter(provider, client=http)
            built(lean, asking(Cookie="of another request", ConsistencyLevel="eventual"))
            return built(lean, REQUESTS[name]()), built(whole, REQUESTS[name]())

    ours, theirs = asyncio.run(both())
    assert (ours.method, str(ours.url), ours.content) == (theirs.method, str(theirs.url), theirs.content)
    assert sorted(ours.headers.multi_items()) == sorted(theirs.headers.multi_items())
    assert ours.extensions["timeout"] == theirs.extensions["timeout"]
    assert set(ours.extensions) == set(theirs.extensions)
    mine, sdk = ours.extensions["kiota_request_options"], theirs.extensions["kiota_request_options"]
    assert set(mine) == set(sdk)


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
def test_only_microsofts_graphs_are_told_of_the_sdk(address: str) -> None:
    option = options[GraphTelemetryHandlerOption.get_key()]
    url = httpx.URL(address)
    ours = LeanTelemetry(options=option).is_graph_url(url)
    assert ours == (f"{url.scheme}://{url.host}" in {cloud.value for cloud in NationalClouds} and url.port is None)
    if "@" not in address:  # the SDK takes such a name for part of the host
        assert ours == GraphTelemetryHandler(options=option).is_graph_url(url)


def test_spans_keep_nothing() -> None:
    async def span() -> object:
        async with client() as http:
            return LeanAdapter(AnonymousAuthenticationProvider(), client=http).start_tracing_span(asking(), "get")

    assert asyncio.run(span()) is INVALID_SPAN
