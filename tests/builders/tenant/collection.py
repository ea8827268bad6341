"""Collects a tenant of the emulator with a clock that only `sleep` advances, and reads the snapshot."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.collect.collector import collect_tenant
from auditor.domain.enums import Cloud, Source
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS, Needs
from auditor.domain.settings import ClientSecret, Credential, Tenant
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import RetryPolicy
from auditor.graph.transport.response_record import ResponseRecord
from auditor.snapshot.manifest import decode
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import FILES, OPTIONAL_TABLES
from tests.emulator.fixtures import CLIENT_ID, SECRET
from tests.emulator.server import Emulator

INSTANT = datetime(2026, 11, 21, 2, 17, tzinfo=UTC)
AGGREGATES = frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS, Source.SUBSCRIPTIONS})
PEOPLE = Needs(sources=frozenset({Source.USERS}), user_properties=EVERYTHING_ABOUT_USERS)
SIGN_INS = Needs(
    sources=frozenset({Source.USERS, Source.SIGN_IN_ACTIVITY}), user_properties=("displayName", "userPrincipalName")
)


def manifest() -> Manifest:
    return Manifest(tenant="contoso", tenant_id="x", cloud=Cloud.WORLDWIDE, instant=INSTANT, sources=())


class Ticking(Struct):
    """A clock that advances only in `sleep`, so that waiting for ten minutes takes no time."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def retry_policy(self, **changes: float) -> RetryPolicy:
        return replace(RetryPolicy(sleep=self.sleep, clock=self.clock), **changes)


def token_of(tenant: Tenant, environ: dict[str, str]) -> str:
    """Sign in with the credential of a tenant, and return the token."""

    async def get_token() -> str:
        async with SignIn(tenant, environ=environ) as sign_in:
            return (await sign_in.get_token()).token

    return asyncio.run(get_token())


def configured(emulator: Emulator, name: str = "contoso", *, credential: Credential | None = None) -> Tenant:
    """Return the configuration of a tenant of the emulator."""
    return Tenant(
        name=name,
        tenant_id=emulator.tenants[name].tenant_id,
        credential=credential or ClientSecret(client_id=CLIENT_ID, secret_env="CONTOSO_SECRET"),
        endpoint=emulator.endpoint,
        authority=emulator.authority,
    )


def environment(emulator: Emulator, **more: str) -> dict[str, str]:
    return {**emulator.environment(), "CONTOSO_SECRET": SECRET, **more}


class Collected(Struct, frozen=True, kw_only=True):
    """The contents of a snapshot folder, read file by file."""

    manifest: Manifest
    tables: dict[str, pa.Table]
    time: Ticking

    def status(self, source: Source) -> str:
        return self.manifest.coverage(source).status.value

    def reason(self, source: Source) -> str:
        return self.manifest.coverage(source).reason or ""

    def users(self) -> dict[str, dict[str, Any]]:
        return {row["userPrincipalName"]: row for row in self.tables["users"].to_pylist()}


def collected(folder: Path, time: Ticking) -> Collected:
    manifest, files, _ = decode((folder / "manifest.json").read_bytes(), where=str(folder))
    names = [name.removesuffix(".parquet") for name in files]
    assert {*FILES} <= {*names} <= {*FILES, *OPTIONAL_TABLES}
    tables = {name: pq.read_table(folder / f"{name}.parquet") for name in names}
    assert all(tables[name].num_rows == files[f"{name}.parquet"].rows for name in names)
    return Collected(manifest=manifest, tables=tables, time=time)


def collect(
    emulator: Emulator,
    needs: Needs,
    *,
    tenant: Tenant | None = None,
    retry_policy: RetryPolicy | None = None,
    env: dict[str, str] | None = None,
    record: ResponseRecord | None = None,
) -> Collected:
    """Collect a tenant into a temporary folder."""
    time = Ticking()
    with scratch() as root:
        folder = asyncio.run(
            collect_tenant(
                tenant or configured(emulator),
                needs,
                root=root,
                instant=INSTANT,
                environ=environment(emulator) if env is None else env,
                retry_policy=retry_policy or time.retry_policy(),
                record=record,
            )
        )
        assert [path.name for path in folder.parent.iterdir()] == [folder.name], "nothing half done is left"
        return collected(folder, time)


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="collect-") as folder:
        yield Path(folder)
