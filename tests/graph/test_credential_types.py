"""Tests that the registry of credential types matches the schema and can be extended."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import fields, replace

from auditor import resources
from auditor.domain.settings import ClientSecret, Credential
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES, CredentialType, SignInOptions
from auditor.graph.auth.credentials import SignIn
from auditor.settings.loader import load
from tests.builders.tenant.collection import configured, environment
from tests.emulator.fixtures import CLIENT_ID, SECRET, running_emulator, small_tenant


def test_schema_lists_the_registered_types_and_their_keys() -> None:
    schema = json.loads(resources.schema("tenants"))["$defs"]["credential"]
    listed = {
        branch["if"]["properties"]["type"]["const"]: (
            set(branch["then"]["properties"]) - {"type"},
            set(branch["then"].get("required", ())),
        )
        for branch in schema["allOf"]
    }
    assert set(schema["properties"]["type"]["enum"]) == set(listed)
    assert listed == {
        kind.__struct_config__.tag: (
            {field.encode_name for field in fields(kind)},
            {field.encode_name for field in fields(kind) if field.required},
        )
        for kind in CREDENTIAL_TYPES
    }, "correct the type in `credential` of tenants.v1.json: its name in `enum`, its keys in `allOf`"


def test_every_credential_class_has_one_type() -> None:
    assert set(CREDENTIAL_TYPES) == set(Credential.__args__)


def test_custom_credential_type_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret with a prefix: `build` creates the credential from what the tenants file names."""

    def build(aio: Any, credential: ClientSecret, options: SignInOptions) -> Any:
        secret = options.secret(credential.secret_env).removeprefix("vault:")
        return aio.ClientSecretCredential(options.tenant_id, credential.client_id, secret, **options.client_options)

    monkeypatch.setitem(CREDENTIAL_TYPES, ClientSecret, CredentialType(build=build))
    text = (
        "version: 1\ntenants:\n- name: contoso\n  tenantId: 11111111-2222-3333-4444-555555555555\n"
        f"  credential: {{type: client-secret, clientId: {CLIENT_ID}, secretEnv: SECRET}}\n"
    )
    credential = load(text.encode(), file="tenants.yaml").tenants[0].credential
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), credential=credential)
        environ = environment(emulator, SECRET=f"vault:{SECRET}")

        async def token() -> str:
            async with SignIn(tenant, environ=environ) as sign_in:
                return (await sign_in.get_token()).token

        assert asyncio.run(token())
