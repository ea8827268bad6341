"""The options of `auditor init` as values of the files that it writes."""

from pathlib import Path

import pytest

from auditor.app.scaffold.choices import CREDENTIALS, NO_TENANT, Choices
from auditor.domain.enums import Agreement
from auditor.domain.settings import Token
from auditor.settings.loader import load
from tests.builders.service.command_line import contents, expect


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_written_credential_is_valid(credential: str) -> None:
    choices = Choices(large=False, groups=False, agreement=Agreement.UNKNOWN, credential=credential)
    tenant = f"{{name: contoso, tenantId: {choices.tenant_id}, credential: {choices.credential_yaml}}}"
    (loaded,) = load(f"version: 1\ntenants: [{tenant}]\n".encode(), file="tenants.yaml").tenants
    assert loaded.credential is not None
    assert loaded.credential.__struct_config__.tag == credential


def test_init_refuses_a_token_and_says_what_to_write(tmp_path: Path) -> None:
    completed = expect(2, "init", "--credential", "token", cwd=tmp_path)
    assert contents(tmp_path) == {}
    assert f"a token cannot be renewed: choose one of {', '.join(CREDENTIALS)}, or write " in completed.err
    line = completed.err.split("write `")[1].split("`")[0]
    tenant = f"{{name: contoso, tenantId: {NO_TENANT}, {line}}}"
    (loaded,) = load(f"version: 1\ntenants: [{tenant}]\n".encode(), file="tenants.yaml").tenants
    assert loaded.credential == Token(token_env="NAME")
