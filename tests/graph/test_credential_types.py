"""Tests that the registry of credential types matches the schema and can be extended."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from auditor import resources
from auditor.domain.tenant import ClientSecret, Credential
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES, CredentialType, SignInOptions, type_of
from auditor.graph.auth.credentials import SignIn
from auditor.settings.loader import load
from tests.builders.tenant.collection import configured, environment
from tests.emulator.fixtures import CLIENT_ID, SECRET, running_emulator, small_tenant


def test_schema_lists_the_registered_types() -> None:
    schema = json.loads(resources.schema("tenants"))
    assert set(schema["$defs"]["credential"]["properties"]["type"]["enum"]) == set(CREDENTIAL_TYPES)


def test_every_credential_class_has_one_type() -> None:
    kinds = [item.kind for item in CREDENTIAL_TYPES.values()]
    assert set(kinds) == set(Credential.__args__)
    assert len(kinds) == len(set(kinds))
    assert type_of(None) is None


def test_custom_credential_type_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret from another variable: `parse` reads it from the tenants file, `build` creates the credential."""

    def build(credential: ClientSecret, options: SignInOptions) -> Any:
        from azure.identity import aio  # noqa: PLC0415

        secret = options.secret(credential.secret_env).removeprefix("vault:")
        return aio.ClientSecretCredential(options.tenant_id, credential.client_id, secret, **options.client_options)

    template = CredentialType(
        kind=ClientSecret,
        parse=lambda entry: ClientSecret(client_id=entry["clientId"], secret_env=f"VAULT_{entry['secretEnv']}"),
        build=build,
    )
    monkeypatch.setitem(CREDENTIAL_TYPES, "client-secret", template)
    text = (
        "version: 1\ntenants:\n- name: contoso\n  tenantId: 11111111-2222-3333-4444-555555555555\n"
        f"  credential: {{type: client-secret, clientId: {CLIENT_ID}, secretEnv: SECRET}}\n"
    )
    credential = load(text.encode(), file="tenants.yaml").tenants[0].credential
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), credential=credential)
        environ = environment(emulator, VAULT_SECRET=f"vault:{SECRET}")

        async def token() -> str:
            async with SignIn(tenant, environ=environ) as sign_in:
                return (await sign_in.get_token()).token

        assert asyncio.run(token())
