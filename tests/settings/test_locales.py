"""Warnings about languages in tenants files for which there are no translations."""

import pytest

from auditor.domain.errors import Level
from auditor.settings.loader import load

FILE = """\
version: 1
defaults: {{locale: {0}}}
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  locale: {1}
  recipients:
  - {{address: a@b.example, locale: {2}}}
"""


@pytest.mark.parametrize(
    ("locales", "expected"),
    [
        (("nl", "de-AT", "EN"), []),
        (("fr", "sv", "en-GB"), ["2:20 fr"]),
        (("da", "xx", "tr"), ["6:11 xx"]),
        (("tr", "fr-CA", "fr"), ["6:11 fr-CA", "8:36 fr"]),
    ],
)
def test_language_without_translations_is_a_warning_at_its_value(locales: tuple[str, ...], expected: list[str]) -> None:
    warnings = load(FILE.format(*locales), file="tenants.yaml").warnings
    assert [
        f"{item.span.line}:{item.span.column} {item.message.arguments['tag']}" for item in warnings if item.span
    ] == expected
    assert {(item.slug, item.level) for item in warnings} <= {("locale-unknown", Level.WARNING)}
