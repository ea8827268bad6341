"""A context manager and pytest fixtures that run the emulator."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.server import Emulator
from tests.emulator.sign_in.github import subject
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import App, Federated, Secret, Tenant, load, stable_id

SECRET = "emulated-client-secret"
CLIENT_ID = "a0a0a0a0-1111-4222-8333-444444444444"


def auditor_app(**more: object) -> App:
    """Return an app that signs in with a secret or from GitHub (both forms of the subject) and has all read roles."""
    federated = (
        Federated(subject=subject()),
        Federated(subject=subject(ids=(4242, 777))),
    )
    settings: dict[str, object] = {"secrets": (Secret(value=SECRET),), "federated": federated} | more
    return App(client_id=CLIENT_ID, **settings)  # type: ignore[arg-type]


def small_tenant(name: str = "contoso") -> Tenant:
    """Return a tenant with five people, three products and two groups, for tests that refer to them by name."""
    return load(
        {
            "name": name,
            "tenantId": stable_id("small", name),
            "domain": f"{name}.example",
            "subscribedSkus": [
                {"skuPartNumber": "SPE_E3", "enabled": 10},
                {"skuPartNumber": "SPE_F1", "enabled": 2},
                {"skuPartNumber": "FLOW_FREE", "enabled": 10000},
            ],
            "users": [
                {"userPrincipalName": f"ann@{name}.example", "licenses": ["SPE_E3"], "department": "Finance"},
                {
                    "userPrincipalName": f"bram@{name}.example",
                    "licenses": ["SPE_E3", "FLOW_FREE"],
                    "accountEnabled": False,
                },
                {"userPrincipalName": f"cem@{name}.example", "licenses": ["SPE_F1"], "department": "Store"},
                {"userPrincipalName": f"dora@{name}.example", "usageLocation": None},
                {
                    "userPrincipalName": f"info@{name}.example",
                    "accountEnabled": False,
                    "mailboxSettings": {"userPurpose": "shared"},
                },
            ],
            "groups": [
                {"displayName": "Stores", "members": [f"cem@{name}.example", f"dora@{name}.example"]},
                {"displayName": "Everyone", "members": ["Stores", f"ann@{name}.example"]},
            ],
        }
    )


def client_secret(variable: str) -> str:
    """Return the credential of a tenants file that reads the secret of `auditor_app()` from a variable."""
    return f"{{type: client-secret, clientId: {CLIENT_ID}, secretEnv: {variable}}}"


def tenants_yaml(emulator: Emulator, credentials: Mapping[str, str]) -> str:
    """Return a tenants file with emulated tenants; `credentials` maps their names to their credentials."""
    entries = (
        f"- {{name: {name}, tenantId: {emulator.tenants[name].tenant_id}, endpoint: '{emulator.endpoint}',"
        f" authority: '{emulator.authority}', credential: {credential}}}\n"
        for name, credential in credentials.items()
    )
    return "version: 1\ntenants:\n" + "".join(entries)


@contextmanager
def running_emulator(tenants: Iterable[Tenant] = ()) -> Iterator[Emulator]:
    """Run an emulator with these tenants (default: `small_tenant()`); a tenant without an app gets `auditor_app()`."""
    tenant_list = list(tenants) or [small_tenant()]
    for tenant in tenant_list:
        if not tenant.apps:
            tenant.register(auditor_app())
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        emulator = Emulator(tenant_list, ca_path=Path(folder) / "ca.pem")
        emulator.start()
        try:
            yield emulator
        finally:
            emulator.stop()


def shared_emulator(*tenants: Callable[[], Tenant]) -> Any:
    """Return a fixture: an emulator with these tenants, which all tests of a module use."""

    @pytest.fixture(scope="module")
    def running() -> Iterator[Emulator]:
        with running_emulator([make() for make in tenants]) as emulator:
            yield emulator

    return running


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A new emulator for each test, with the small tenant `contoso`."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def seeded_emulator() -> Iterator[Emulator]:
    """A new emulator for each test, with 250 generated users in the tenant `contoso`."""
    with running_emulator([seeded.generate(250)]) as running:
        yield running
