"""Suggestions for misspelt names."""

import pytest

from auditor.domain.similar_name import tenants_hint

MANY = [f"tenant-{number:04}" for number in range(1, 61)]


@pytest.mark.parametrize(
    ("word", "tenants", "expected"),
    [
        ("tenant-00099", MANY, "did you mean 'tenant-0009'?"),
        ("Contoso", ["contoso", "fabrikam"], "did you mean 'contoso'?"),
        ("nobody", ["fabrikam", "contoso"], "tenants: contoso, fabrikam"),
        (None, ["fabrikam", "contoso"], "tenants: contoso, fabrikam"),
        ("nobody", MANY, f"tenants: {', '.join(MANY[:10])}, …"),
    ],
)
def test_hint_names_a_similar_tenant_or_at_most_ten(word: str | None, tenants: list[str], expected: str) -> None:
    assert tenants_hint(word, tenants) == expected
