"""Suggestions for misspelt names."""

import pytest

from auditor.domain.similar_name import tenants_hint

MANY = [f"tenant-{number:04}" for number in range(1, 61)]


@pytest.mark.parametrize(
    ("word", "tenants", "expected"),
    [
        ("tenat-0017", MANY, "did you mean 'tenant-0017'?"),
        ("tenant-00023", MANY, "did you mean one of these: tenant-0002, tenant-0003, tenant-0023?"),
        ("tenant-0061", MANY, f"tenants: {', '.join(MANY[:10])}, …"),
        ("Contoso", ["contoso", "fabrikam"], "did you mean 'contoso'?"),
        ("nobody", ["fabrikam", "contoso"], "tenants: contoso, fabrikam"),
        (None, ["fabrikam", "contoso"], "tenants: contoso, fabrikam"),
        ("nobody", MANY, f"tenants: {', '.join(MANY[:10])}, …"),
    ],
)
def test_hint_names_a_similar_tenant_or_at_most_ten(word: str | None, tenants: list[str], expected: str) -> None:
    assert tenants_hint(word, tenants) == expected
