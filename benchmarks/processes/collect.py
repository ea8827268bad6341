"""Collects from a Graph service described on stdin in a separate process, and prints time and memory.

usage: python -m benchmarks.processes.collect users|small|typed|devices
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.app.tenants.collection import collect_all
from auditor.collect import collector  # noqa: F401 - imported before the measurement
from auditor.collect.context import CollectionContext
from auditor.collect.progress import Progress
from auditor.collect.sources.devices import DEVICES
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import ClientSecret, Tenant, Token
from auditor.graph import requests
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import Graph, open_graph
from auditor.graph.response_body import decode_count
from benchmarks import measurement
from benchmarks.peers.raw_graph import CLIENT, SECRET
from benchmarks.processes.graph import MODELLED, PROPERTIES, WARMING
from benchmarks.processes.reports import resident

_SMALL = frozenset({Source.USERS, Source.SUBSCRIBED_SKUS, Source.ORGANIZATION})


def main() -> None:
    """Collect every tenant once, after a warm-up tenant for connections, the SDK's first request and its imports."""
    service = json.load(sys.stdin)
    if sys.argv[1] in {"typed", "devices"}:
        print(json.dumps(asyncio.run(_typed_models(service) if sys.argv[1] == "typed" else _devices(service))))
        return
    needs = Needs(sources=frozenset({Source.USERS}) if sys.argv[1] == "users" else _SMALL, user_properties=PROPERTIES)
    tenants = [tenant_of(service, name, identity) for name, identity in service["tenants"]]
    environ = {**os.environ, **service.get("environment", {}), "SECRET": SECRET, "BEARER": service["bearers"][0]}
    _collect([tenant for tenant in tenants if tenant.name == WARMING], needs, environ)
    measured = [tenant for tenant in tenants if tenant.name != WARMING]
    print(json.dumps(_collect(measured, needs, environ)))


def tenant_of(service: dict[str, Any], name: str, identity: str) -> Tenant:
    """Return a tenant of a Graph service as printed by `benchmarks.processes.graph`."""
    authority = service.get("authority")
    client_secret = ClientSecret(client_id=CLIENT, secret_env="SECRET")
    return Tenant(
        name=name,
        tenant_id=identity,
        credential=Token(token_env="BEARER") if authority is None else client_secret,
        endpoint=service["endpoint"],
        authority=authority,
    )


def _collect(tenants: Sequence[Tenant], needs: Needs, environ: dict[str, str]) -> dict[str, Any]:
    """Collect tenants into a temporary folder; reading and removing it is not measured."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        outcomes = collect_all(tenants, lambda _: needs, root=Path(folder), instant=datetime.now(UTC), environ=environ)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = measurement.peak()
        assert all(outcome.folder is not None for outcome in outcomes), [outcome.failure for outcome in outcomes]
        sources = [source for outcome in outcomes for source in outcome.sources]
        assert all(source.status == "complete" for source in sources), sources
        users = sum(source.count for source in sources if source.name is Source.USERS)
    return {"wall": wall, "cpu": cpu, "peak": peak, "users": users}


@asynccontextmanager
async def _opened(service: dict[str, Any]) -> AsyncIterator[Graph]:
    """Open the Graph of the first tenant, with a bearer token."""
    tenant = tenant_of({"endpoint": service["endpoint"]}, *service["tenants"][0])
    environ = {**os.environ, "BEARER": service["bearers"][0]}
    async with SignIn(tenant, environ=environ) as sign_in, open_graph(tenant, sign_in) as graph:
        yield graph


async def _devices(service: dict[str, Any]) -> dict[str, float]:
    """Read every device and the row of each user; return CPU seconds, rows, and the memory in MB before and at peak."""
    with tempfile.TemporaryDirectory() as name:
        async with _opened(service) as graph:
            folder = Path(name) / "contoso" / "work"
            context = CollectionContext(graph=graph, needs=Needs(), folder=folder, progress=Progress())
            # The first request imports the SDK's modules.
            await graph.answer(requests.user_count(graph), decode_count)
            before, started = resident(), time.process_time()
            owners = (await DEVICES.read(context)).users
            assert owners is not None
            rows = sum(table.num_rows for table in owners.tables())
            cpu = time.process_time() - started
            return {"before": before, "peak": measurement.peak(), "cpu": cpu, "rows": rows}


async def _typed_models(service: dict[str, Any]) -> dict[str, float]:
    """Return the CPU seconds per user of the SDK's typed models, without the first page."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=list(PROPERTIES), top=MODELLED)
    async with _opened(service) as graph:
        page = await graph.sdk.users.get(RequestConfiguration(query_parameters=query))
        assert page is not None
        started = time.process_time()
        page = await graph.sdk.users.with_url(page.odata_next_link or "").get()
        assert page is not None
        assert len(page.value or ()) == MODELLED
        return {"cpu": (time.process_time() - started) / MODELLED}


if __name__ == "__main__":
    main()
