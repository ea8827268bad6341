"""Tests `auditor.domain.result.tenant_titles`: tenants with the same display name have different titles."""

from msgspec.structs import replace

from auditor.domain.result.tenant_titles import tenant_titles
from tests.builders.result import results


def test_title_is_the_display_name_and_the_name_tells_equal_ones_apart() -> None:
    result = results.result()
    first, second = result.tenants
    assert tenant_titles(result.tenants) == {first.name: first.display_name, second.name: second.display_name}
    twins = replace(result, tenants=(first, replace(second, display_name=first.display_name)))
    assert tenant_titles(twins.tenants) == {
        first.name: f"{first.name} ({first.display_name})",
        second.name: f"{second.name} ({first.display_name})",
    }


def test_tenant_without_a_display_name_has_its_name_as_title() -> None:
    result = results.result()
    first, second = result.tenants
    nameless = replace(result, tenants=(replace(first, display_name=""), second))
    assert tenant_titles(nameless.tenants)[first.name] == first.name
