"""Every fact that a check reports has words of its own, and values that look like placeholders are not filled in."""

import pytest

from auditor.render.text.evidence.evidence import DESCRIBED_FACTS
from auditor.render.text.evidence.people import access_parts, usage_parts
from auditor.render.text.labels import Labels
from tests.builders.result.audited_demo import demo_result


@pytest.mark.slow
def test_every_fact_in_the_demo_has_words() -> None:
    result = demo_result()
    tables = [*(tenant.findings for tenant in result.tenants), result.fleet.findings]
    facts = {name for table in tables for finding in table for name in finding.evidence}
    assert facts <= DESCRIBED_FACTS, "add words to auditor/render/text/evidence, and the fact to DESCRIBED_FACTS"


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
