"""Tests that text of a tenant which looks like a placeholder is not filled in."""

from auditor.render.text.evidence.people import access_parts, usage_parts
from auditor.render.text.labels import Labels

EN = Labels("en")


def test_role_named_as_a_placeholder_is_printed_as_it_is() -> None:
    role = {"displayName": "Admin {group}", "groupName": "G {role}"}
    assert list(access_parts({"directoryRoles": [role]}, EN)) == ["directory roles: Admin {group} (group G {role})"]


def test_product_named_as_a_placeholder_is_printed_as_it_is() -> None:
    facts = {"product": "A {held}", "held": "B {money}", "savesPerMonth": "1", "currency": "EUR"}
    (text,) = usage_parts({"smallerProduct": facts}, EN)
    assert text.startswith("A {held} may be enough instead of B {money} (saving: ")


def test_values_of_a_message_are_filled_in_at_once() -> None:
    assert EN.gettext("{first}, {second}", first="{second}", second="b") == "{second}, b"
    assert EN.plural("{count} in {place}", "{count} in {place}", 1234, place="{count}") == "1,234 in {count}"
    assert EN.gettext("{first}, {other}", first="a") == "a, {other}"
