"""The options of `auditor init` as values of the files that it writes."""

import pytest

from auditor.app.scaffold.choices import CREDENTIALS, Choices
from auditor.domain.enums import Agreement
from auditor.settings.loader import load


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_written_credential_is_valid(credential: str) -> None:
    choices = Choices(large=False, groups=False, agreement=Agreement.UNKNOWN, credential=credential)
    tenant = f"{{name: contoso, tenantId: {choices.tenant_id}, credential: {choices.credential_yaml}}}"
    (loaded,) = load(f"version: 1\ntenants: [{tenant}]\n".encode(), file="tenants.yaml").tenants
    assert loaded.credential is not None
    assert loaded.credential.__struct_config__.tag == credential
