"""A small tenant with several kinds of findings, and its reports."""

from auditor.domain.result.model import Result
from auditor.render import render
from tests.builders.tenant.tenants import audited, bought, path, policy_file, tenant, user


def rendered(result: Result, name: str) -> bytes:
    return b"".join(render(result, name, locale="en"))


def everyday() -> Result:
    """Return the result of a small tenant with several kinds of findings, and names with markup and a formula."""
    people = [
        user("ann", "SPE_E5", "SPE_E3", accountEnabled=False, displayName='<b>Ann</b> & "Co", Ltd'),
        user("bob", "SPE_E3", paths=[path("SPE_E3", "g1"), path("SPE_E3")], displayName="=HYPERLINK(1)"),
    ]
    text = policy_file("assignments: {deny: ['SPE_*'], duplicates: deny}", prices="{SPE_E3: 35.70, SPE_E5: 54.75}")
    return audited(text, tenant(*people, subscribedSkus=[bought("SPE_E3", 1, 2), bought("SPE_E5", 9, 1)]))
