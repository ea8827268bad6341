"""Defects of other tools in reading a tenant, each held as a test of our own; the numbers are those of test_defects.py."""

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


def test_01_every_page_is_read(graph: Emulator) -> None:
    """c7n reads the first page only."""
    found = collect(graph, PEOPLE)
    assert found.tables["users"].num_rows == USERS
    assert found.manifest.coverage(Source.USERS).count == USERS
    assert len(graph.journal.of("/users")) > 1


def test_02_what_policies_test_is_what_is_asked_for(graph: Emulator) -> None:
    """c7n tests a field that it never selects: everybody has been away for 999 days."""
    collect(graph, SIGN_INS)
    asked = {name for record in graph.journal.of("/users") for name in record.select}
    assert {"signInActivity", "displayName", "userPrincipalName"} <= asked
    never = tenant(user("ann"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.NOT_NEEDED})
    result = judged("assignments: {require: [SPE_E3]}", never, users="{inactiveFor: 999d}")
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")


def test_02_every_property_that_the_library_tests_is_in_its_needs() -> None:
    known = {*EVERYTHING_ABOUT_USERS, "onPremisesExtensionAttributes"}
    for policy in load(library_files()).policies.policies:
        assert set(policy_needs(policy).user_properties) <= known


def test_03_every_licence_of_a_user_counts() -> None:
    """Prowler keeps `value[0]`: an administrator with P2 and E5 passes."""
    for order in permutations(("AAD_PREMIUM_P2", "SPE_E5", "FLOW_FREE")):
        result = judged("assignments: {of: paid, allow: [AAD_PREMIUM, AAD_PREMIUM_P2]}", tenant(user("ann", *order)))
        assert finding_keys(result) == [("assignment.not-allowed", "ann", "SPE_E5", None)]


def test_04_requests_do_not_grow_with_the_users(graph: Emulator) -> None:
    """Prowler asks once for each user, Office365itpros once for each group."""
    collect(graph, PEOPLE.union(SIGN_INS))
    assert len(graph.journal.records) < USERS / 20
    # A few of those without any sign-in are asked for alone, to see whether a large page left it out: never more.
    assert len([record for record in graph.journal.records if re.fullmatch(r"/users/[^$/].*", record.path)]) <= 8


def test_05_what_could_not_be_read_is_not_green(graph: Emulator, tmp_path: Path) -> None:
    """CIPP has an empty `catch {}` around the whole check, c7n returns no users on 403."""
    graph.faults.add("denied", path="/users", times=None)
    found = collect(graph, PEOPLE)
    assert found.status(Source.USERS) == "denied"
    assert found.reason(Source.USERS)
    snapshot_folder = write(tmp_path / "s", tenant(unread={Source.USERS: SourceStatus.DENIED}))
    (tmp_path / "p.yaml").write_text("version: 1\n" + policy_file("assignments: {allow: []}"))
    ran = call("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (only,) = json.loads(ran.out)["tenants"]
    assert ran.code == 3
    assert (only["complete"], only["policies"][0]["status"], only["findings"]) == (False, "not-evaluated", [])
    assert "not allowed" in only["policies"][0]["reason"]


def test_06_every_part_of_a_batch_is_looked_at(graph: Emulator) -> None:
    """Maester sends batches without looking at the status of each part; in ScubaGear a 429 inside one ends the check."""
    groups = Needs(
        sources=frozenset({Source.GROUPS, Source.MEMBERS}), groups=("LIC-E3",), transitive_groups=("LIC-F3",)
    )
    calm = collect(graph, groups)
    graph.faults.add("throttled", path="/groups/*", times=3, retry_after="2")
    upset = collect(graph, groups)
    assert upset.tables == calm.tables
    assert upset.status(Source.MEMBERS) == "complete"
    assert upset.time.slept
