"""Fixtures for the tests of the emulator: running emulators, and a client that sends an access token."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.emulator.fixtures import emulator, running_emulator, seeded_emulator, shared_emulator, small_tenant
from tests.emulator.server import Emulator

__all__ = ["client", "emulator", "seeded_emulator", "shared", "two_tenants"]

Client = Callable[..., httpx.Response]


shared = shared_emulator(small_tenant)
"""One emulator with the small tenant per module, for tests that do not change its state."""


@pytest.fixture
def two_tenants() -> Iterator[Emulator]:
    """A new emulator for each test, with the small tenants `contoso` and `fabrikam`."""
    with running_emulator([small_tenant("contoso"), small_tenant("fabrikam")]) as running:
        yield running


@pytest.fixture(scope="session")
def client() -> Iterator[Callable[..., httpx.Response]]:
    """`client(emulator, path, tenant=, roles=, method=, **httpx)` sends one request with a token for the tenant."""
    with httpx.Client(timeout=120, trust_env=False) as http:

        def send(
            running: Emulator,
            path: str,
            *,
            tenant: str = "contoso",
            roles: list[str] | None = None,
            method: str = "GET",
            headers: dict[str, str] | None = None,
            **more: object,
        ) -> httpx.Response:
            url = path if path.startswith("http") else running.endpoint + path
            all_headers = {"Authorization": f"Bearer {running.bearer(tenant, roles=roles)}"} | (headers or {})
            return http.request(method, url, headers=all_headers, **more)  # type: ignore[arg-type]

        yield send
