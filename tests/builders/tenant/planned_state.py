"""Collects an emulated tenant for a plan, and sends the requests of the plan to prove its claims."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.app.tenants.collection import all_needs, collect_all
from auditor.catalogue import builtin
from auditor.domain.policy.model import PolicySet
from auditor.findings.open_findings import open_fingerprints
from auditor.remedy.planner.model import TenantPlan
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.collection import configured, environment
from tests.builders.tenant.plan_tenants import PARTS
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant

WRITE = ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "GroupMember.ReadWrite.All", "Group.Read.All"]
"""The permissions of a token that may carry out a plan."""


def collected(emulator: Emulator, root: Path, policies: PolicySet | None = None, *, name: str = "contoso") -> Snapshot:
    """Collect the complete tenant and everything that the policies name into a folder, and return the snapshot."""
    (outcome,) = collect_all(
        [configured(emulator, name)],
        lambda _: all_needs(policies),
        root=root,
        instant=NOW,
        environ=environment(emulator),
    )
    assert outcome.folder is not None, outcome.failure
    return read(outcome.folder)


def open_findings(emulator: Emulator, root: Path, policies: PolicySet) -> set[str]:
    """Return the fingerprints of the open findings of the emulator's tenant, which is collected into a folder."""
    result = audit([collected(emulator, root, policies)], policies, builtin(), NOW)
    return set(open_fingerprints(result.tenants[0].findings))


@contextmanager
def writer(emulator: Emulator) -> Iterator[httpx.Client]:
    """Yield a client that may change the tenant."""
    headers = {"Authorization": f"Bearer {emulator.bearer('contoso', roles=WRITE)}"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        yield client


def send(client: httpx.Client, emulator: Emulator, plan: TenantPlan) -> Iterator[None]:
    """Send the requests of a plan in order, of which none may fail; yields after each."""
    for request in [request for action in plan.actions for request in action.requests]:
        address = f"{emulator.endpoint}{request['path']}"
        response = client.request(request["method"], address, json=request["body"])
        assert response.is_success, response.text
        yield


def held(emulator: Emulator) -> dict[str, set[str]]:
    """Return the products that people hold, by their name before the at sign."""
    people = emulator.tenants["contoso"].people
    return {
        str(people.value(row, "userPrincipalName")).partition("@")[0]: {
            PARTS[licence["skuId"]] for licence in people.value(row, "assignedLicenses")
        }
        for row in range(len(people))
    }


def proved(
    state: dict[str, Any], policies: PolicySet, folder: Path, *, answered: bool = False
) -> tuple[TenantPlan, dict[str, set[str]]]:
    """Plan for a tenant, send every request to the emulator, and compare the open findings afterwards with the proof.

    Returns the plan, and the products that people hold in the end. With `answered`, every question has an answer.
    """
    with running_emulator([load_tenant(state)]) as emulator:
        before = [collected(emulator, folder / "before", policies)]
        plan = answered_plan(before, policies)[0] if answered else plan_run(before, policies, builtin(), NOW)
        assert plan.proven
        (tenant,) = plan.tenants
        with writer(emulator) as client:
            list(send(client, emulator, tenant))
        remaining = open_findings(emulator, folder / "after", policies)
        assert remaining == {item.fingerprint for item in tenant.proof.remaining}
        return tenant, held(emulator)
