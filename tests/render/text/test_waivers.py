"""The rows of the table of waivers of an audit whose policies do not apply to all tenants."""

import re
from datetime import UTC, datetime

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue.store import builtin
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.render.text.labels import Labels
from auditor.render.text.waivers import waiver_rows
from tests.builders.result.rendered import rendered_text

NOW = datetime(2026, 11, 20, tzinfo=UTC)
POLICIES = """\
version: 1
policies:
- {id: everywhere, severity: low, assignments: {deny: [SPE_E5]}}
- {id: abroad, severity: low, tenants: [fabrikam], assignments: {deny: [SPE_E3]}}
- {id: balance, severity: low, balance: {spare: {min: 1, max: 5}}}
waivers:
"""


def audited(tenants: tuple[str, ...], *waivers: str) -> Result:
    lines = "".join(
        f"- {{id: W-{number}, {text}, reason: r, owner: o@x.example, approvedBy: a@x.example, expires: 2027-03-31}}\n"
        for number, text in enumerate(waivers, start=1)
    )
    user = {"userPrincipalName": "ann@x.example", "licenses": ["SPE_E5"]}
    snapshots = [fixture_snapshot(tenant, {"users": [user]}, builtin(), NOW) for tenant in tenants]
    return audit(snapshots, load([("p.yaml", (POLICIES + lines).encode())]).policies, builtin(), NOW)


def states(result: Result) -> dict[str, str]:
    return {row.id: row.state for row in waiver_rows(result, Labels("en"))}


@pytest.mark.parametrize(
    ("tenants", "state"),
    [
        (("contoso",), "does not apply to this tenant"),
        (("contoso", "tailspin"), "applies to none of these tenants"),
        (("contoso", "fabrikam"), "matches no finding"),
    ],
)
def test_waiver_of_a_policy_for_other_tenants(tenants: tuple[str, ...], state: str) -> None:
    assert states(audited(tenants, "policies: [abroad]", "policies: [abroad, everywhere]")) == {
        "W-1": state,
        "W-2": "in force",
    }


def test_waiver_for_other_tenants() -> None:
    result = audited(
        ("contoso", "tailspin"),
        "policies: ['*'], tenants: [fabrikam]",
        "policies: [everywhere], tenants: [fabrikam]",
        "policies: [everywhere], tenants: [fabrikam, tailspin]",
    )
    assert states(result) == {
        "W-1": "applies to none of these tenants",
        "W-2": "applies to none of these tenants",
        "W-3": "in force",
    }


def test_waiver_of_a_policy_about_all_tenants_together_applies() -> None:
    assert states(audited(("contoso", "tailspin"), "policies: [balance]"))["W-1"] != "applies to none of these tenants"


def test_waivers_after_the_tenth_are_folded() -> None:
    page = rendered_text(audited(("contoso",), *["policies: [everywhere]"] * 13), "html")
    shown, _, folded = page.partition('id="h-waivers"')[2].partition("<details")
    assert [len(re.findall(r'<th scope="row">W-\d+ ', part)) for part in (shown, folded)] == [10, 3]
