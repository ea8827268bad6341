"""Collects the tenants of a Graph service described on stdin in a separate process, and prints the seconds.

usage: python -m benchmarks.processes.collect users|small|typed
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.app.tenants.collection import collect_all
from auditor.collect import collector  # noqa: F401 - imported before the measurement
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.domain.tenant import ClientSecret, Tenant, Token
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import open_graph
from benchmarks import measurement
from benchmarks.peers.raw_graph import CLIENT, SECRET
from benchmarks.processes.graph import MODELLED, PROPERTIES, WARMING

_SMALL = frozenset({Source.USERS, Source.SUBSCRIBED_SKUS, Source.ORGANIZATION})


def main() -> None:
    """Collect every tenant once, after a warm-up tenant for connections, the SDK's first request and its imports."""
    service = json.load(sys.stdin)
    if sys.argv[1] == "typed":
        print(json.dumps({"cpu": asyncio.run(_typed_models(service))}))
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


async def _typed_models(service: dict[str, Any]) -> float:
    """Return the CPU seconds per user of the SDK's typed models, without the first page."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder

    tenant = tenant_of({"endpoint": service["endpoint"]}, *service["tenants"][0])
    environ = {"BEARER": service["bearers"][0]}
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=list(PROPERTIES), top=MODELLED)
    async with SignIn(tenant, environ=environ) as sign_in, open_graph(tenant, sign_in) as graph:
        page = await graph.sdk.users.get(RequestConfiguration(query_parameters=query))
        assert page is not None
        started = time.process_time()
        page = await graph.sdk.users.with_url(page.odata_next_link or "").get()
        assert page is not None
        assert len(page.value or ()) == MODELLED
        return (time.process_time() - started) / MODELLED


if __name__ == "__main__":
    main()
