"""Tests for defects of other tools in reading a tenant; the numbers continue in test_defects.py."""

import json
import re
from itertools import permutations
from pathlib import Path

from auditor.app.policy_files import library_files
from auditor.checks.data_needs import policy_needs
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS, Needs
from auditor.policy.loader import load
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.collection import PEOPLE, SIGN_INS, collect
from tests.builders.tenant.tenants import (
    finding_keys,
    judged,
    outcome,
    policy_file,
    tenant,
    user,
)
from tests.e2e.peers.conftest import USERS
from tests.emulator.server import Emulator


def test_01_every_page_of_users_is_read(graph: Emulator) -> None:
    """c7n reads the first page only."""
    collection = collect(graph, PEOPLE)
    assert collection.tables["users"].num_rows == USERS
    assert collection.manifest.coverage(Source.USERS).count == USERS
    assert len(graph.journal.of("/users")) > 1


def test_02_properties_used_in_policies_are_requested(graph: Emulator) -> None:
    """c7n tests a field that it never selects: all users have been inactive for 999 days."""
    collect(graph, SIGN_INS)
    requested = {name for record in graph.journal.of("/users") for name in record.select}
    assert {"signInActivity", "displayName", "userPrincipalName"} <= requested
    never = tenant(user("ann"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.NOT_NEEDED})
    result = judged("assignments: {require: [SPE_E3]}", never, users="{inactiveFor: 999d}")
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")


def test_02_data_needs_contain_every_property_used_in_starter_policies() -> None:
    known = {*EVERYTHING_ABOUT_USERS, "onPremisesExtensionAttributes"}
    for policy in load(library_files()).policies.policies:
        assert set(policy_needs(policy).user_properties) <= known


def test_03_every_licence_of_a_user_is_evaluated() -> None:
    """Prowler keeps `value[0]`: an administrator with P2 and E5 passes."""
    for order in permutations(("AAD_PREMIUM_P2", "SPE_E5", "FLOW_FREE")):
        result = judged("assignments: {of: paid, allow: [AAD_PREMIUM, AAD_PREMIUM_P2]}", tenant(user("ann", *order)))
        assert finding_keys(result) == [("assignment.not-allowed", "ann", "SPE_E5", None)]


def test_04_number_of_requests_does_not_grow_with_users(graph: Emulator) -> None:
    """Prowler sends a request for each user, Office365itpros one for each group."""
    collect(graph, PEOPLE.union(SIGN_INS))
    assert len(graph.journal.records) < USERS / 20
    # A few users without a sign-in are requested individually, to check if a large page left it out.
    assert len([record for record in graph.journal.records if re.fullmatch(r"/users/[^$/].*", record.path)]) <= 8


def test_05_data_that_could_not_be_read_makes_the_audit_incomplete(graph: Emulator, tmp_path: Path) -> None:
    """CIPP has an empty `catch {}` around the whole check, c7n returns no users on 403."""
    graph.faults.add("denied", path="/users", times=None)
    collection = collect(graph, PEOPLE)
    assert collection.status(Source.USERS) == "denied"
    assert collection.reason(Source.USERS)
    snapshot_folder = write(tmp_path / "s", tenant(unread={Source.USERS: SourceStatus.DENIED}))
    (tmp_path / "p.yaml").write_text("version: 1\n" + policy_file("assignments: {allow: []}"))
    completed = call("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (audit,) = json.loads(completed.out)["tenants"]
    assert completed.code == 3
    assert (audit["complete"], audit["policies"][0]["status"], audit["findings"]) == (False, "not-evaluated", [])
    assert "not allowed" in audit["policies"][0]["reason"]


def test_06_status_of_every_response_in_a_batch_is_checked(graph: Emulator) -> None:
    """Maester does not check the status of each response in a batch; in ScubaGear, a 429 in a batch ends the check."""
    groups = Needs(
        sources=frozenset({Source.GROUPS, Source.MEMBERS}), groups=("LIC-E3",), transitive_groups=("LIC-F3",)
    )
    expected = collect(graph, groups)
    graph.faults.add("throttled", path="/groups/*", times=3, retry_after="2")
    throttled = collect(graph, groups)
    assert throttled.tables == expected.tables
    assert throttled.status(Source.MEMBERS) == "complete"
    assert throttled.time.slept
