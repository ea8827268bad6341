"""Generated tenants that are served, collected over HTTP and audited have the oracle's verdict."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from auditor.app.audit.pipeline import audit
from auditor.app.tenants.collection import needs_of
from auditor.checks.data_needs import needs
from auditor.collect.collector import collect_tenant
from auditor.domain.enums import Source
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from tests import oracle
from tests.builders.tenant.collection import Ticking, configured, environment, scratch
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant import directory
from tests.emulator.tenant.access_lists import ACCESS
from tests.oracle.adapter import ROLE_LISTS, catalogue_of, expected, files, judged
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.tenants import SOURCES

LISTS = ("assignedLicenses", "licenseAssignmentStates")
UNSERVED = {Source.USAGE, Source.APP_USAGE, Source.COPILOT_USAGE, Source.MAILBOX_USAGE, Source.DEVICES}
"""Sources without data in the served tenants; tests/collect/sources covers them."""
FACTS = (
    "accountEnabled", "country", "createdDateTime", "department", "displayName", "jobTitle", "onPremisesSyncEnabled",
    "usageLocation", "userType",
)  # fmt: skip


def as_graph_reports(tenant: dict[str, Any]) -> dict[str, Any]:
    """The tenant as Graph can report it: every source complete, no unknown facts, all members direct members."""
    users = [
        {name: value for name, value in user.items() if name != "unknown"}
        | {name: user.get(name) or [] for name in LISTS}
        | {"agent": bool(user.get("agent"))}
        for user in tenant["users"]
    ]
    user_ids = {user["id"] for user in users}
    groups = []
    for group in tenant["groups"]:
        members = sorted(user_ids.intersection(group["members"]))
        # Graph compares names ignoring case, but does not fold letters such as ß.
        name = group["displayName"].replace("ß", "ss")
        failing = bool(group["hasMembersWithLicenseErrors"] and users)
        # Graph does not list the members of a group with hidden membership, and it reports the types of every group.
        visibility = None if group["visibility"] == "HiddenMembership" else group["visibility"]
        groups.append(group | {"displayName": name, "members": members, "transitiveMembers": members,
                               "membersStatus": "complete", "transitiveMembersStatus": "complete",
                               "groupTypes": group["groupTypes"] or [], "visibility": visibility,
                               "nestedGroups": [], "memberCount": len(members),
                               "hasMembersWithLicenseErrors": failing})  # fmt: skip
    complete = dict.fromkeys(SOURCES, "complete")
    lists = [*ROLE_LISTS, "policies"]
    return tenant | {"sources": complete, "notCollected": [], "users": users, "groups": groups, "lists": lists}


def served(tenant: dict[str, Any]) -> directory.Tenant:
    """The tenant as the emulator's directory."""
    users = []
    for user in tenant["users"]:
        document = {**dict.fromkeys(FACTS), **user}
        attribute = document.pop("extensionAttribute1", None)
        if document.pop("agent"):
            document["identityParentId"] = user["id"]
        document["onPremisesExtensionAttributes"] = {"extensionAttribute1": attribute}
        document["employeeOrgData"] = {"costCenter": document.pop("costCenter", None), "division": None}
        # Without a purpose the emulator answers that there is no mailbox.
        users.append(document | {"mailboxSettings": {"userPurpose": document.pop("mailboxType", None)}})
    derived = {
        "transitiveMembers", "membersStatus", "transitiveMembersStatus", "hasMembersWithLicenseErrors",
        "nestedGroups", "memberCount",
    }  # fmt: skip
    groups = []
    for group in tenant["groups"]:
        members_with_errors = [users[0]["id"]] if group["hasMembersWithLicenseErrors"] else []
        document_fields = {name: value for name, value in group.items() if name not in derived}
        groups.append(document_fields | {"membersWithLicenseErrors": members_with_errors})
    return directory.load(
        {name: tenant[name] for name in ("name", "tenantId", "subscribedSkus", "subscriptions", *ACCESS)}
        | {"users": users, "groups": groups}
    )


def assert_agreement(scenario: Scenario) -> None:
    tenants = [as_graph_reports(tenant) for tenant in scenario.tenants]
    verdict = oracle.judge(scenario.documents, tenants, scenario.as_of, scenario.catalogue)
    policies = load(files(scenario.documents)).policies
    assume(UNSERVED.isdisjoint(needs(policies).sources))
    with running_emulator(map(served, tenants)) as emulator, scratch() as root:
        states = []
        for tenant in tenants:
            target = configured(emulator, tenant["name"])
            folder = asyncio.run(
                collect_tenant(
                    target,
                    needs_of(policies, target),
                    root=root,
                    instant=scenario.as_of,
                    environ=environment(emulator),
                    retry_policy=Ticking().retry_policy(),
                )
            )
            states.append(read(folder))
            assert states[-1].manifest.complete, [source.reason for source in states[-1].manifest.sources]
        result = audit(states, policies, catalogue_of(scenario.catalogue), scenario.as_of)
        for tenant_result in result.tenants:
            assert judged(tenant_result) == expected(verdict.tenants[tenant_result.name])
        assert judged(result.fleet) == expected(verdict.fleet)


@pytest.mark.slow
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(scenarios())
def test_audit_of_a_collected_tenant_agrees_with_the_oracle(scenario: Scenario) -> None:
    assert_agreement(scenario)
