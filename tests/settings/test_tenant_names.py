"""Tenant names: the tenants file, folders and saved files allow the same names."""

import pytest

from auditor.domain.errors import InputError, SnapshotError
from auditor.domain.syntax import limits
from auditor.files.names import tenant_name
from auditor.localization.catalogues import translations
from auditor.settings.loader import load

_FILE = """\
version: 1
tenants:
  - name: {name}
    tenantId: 11111111-2222-3333-4444-555555555555
    credential: {{type: azure-cli}}
"""


@pytest.mark.parametrize("name", ["con", "prn", "aux", "nul", "com1", "com0", "lpt9", "a" * 64])
def test_name_that_cannot_be_a_folder_is_an_error_everywhere(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load(_FILE.format(name=name), file="tenants.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.slug, diagnostic.span and diagnostic.span.line) == ("tenants-name", 3)
    assert translations("nl").gettext(diagnostic.message.id) != diagnostic.message.id
    with pytest.raises(SnapshotError, match="cannot be the name"):
        tenant_name(name)
    with pytest.raises(ValueError, match="name"):
        limits.tenant_name(name)


@pytest.mark.parametrize("name", ["contoso", "con-1", "com10", "nullarbor", "a" * 63, "0"])
def test_name_that_resembles_a_windows_device_is_accepted(name: str) -> None:
    (tenant,) = load(_FILE.format(name=f'"{name}"'), file="tenants.yaml").tenants
    assert tenant.name == tenant_name(name) == limits.tenant_name(name) == name
