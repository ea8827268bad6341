"""The starter library: sound, tested both ways, and sparing with its severities."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from auditor.app.audit.remediation import packaged_library
from auditor.app.policy_files import library_files
from auditor.app.policy_tests.runner import rehearse
from auditor.catalogue import builtin
from auditor.domain.enums import Severity
from auditor.domain.policy.model import Seats
from auditor.policy.loader import load
from auditor.policy.yaml.reader import parse
from auditor.snapshot.schema import REPORT_COLUMNS, app_bits
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.tenants import NOW, bought, tenant, user

USED: dict[str, Any] = {
    "teamsLastActivityDate": date(2026, 11, 16),
    "appUsageD180": app_bits(["word"], ["windows"]),
    "notCollected": ["copilotUsage"],
}
"""What the reports say of somebody who works and has no Copilot."""
REPORTS = dict.fromkeys(REPORT_COLUMNS, date(2026, 11, 18))
LIBRARY = Path(__file__).parents[2] / "policies"
FILES = sorted(path for path in LIBRARY.glob("*.yaml") if not path.stem.endswith("_test"))
POLICIES = load(library_files()).policies.policies
IDS = [policy.id for policy in POLICIES]


def items(path: Path, key: str) -> list[dict[str, Any]]:
    document = parse(path.read_bytes(), file=path.name).value
    assert isinstance(document, dict)
    found: list[dict[str, Any]] = document.get(key) or []
    return found


def judged_tests() -> list[tuple[frozenset[str], dict[str, Any]]]:
    """Every test with the ids of the policies it judges: those it names, else all of the file it stands beside."""
    found = []
    for path in FILES:
        own = [policy["id"] for policy in items(path, "policies")]
        beside = path.with_name(f"{path.stem}_test.yaml")
        found += [(frozenset(test.get("policies", own)), test) for test in items(beside, "tests")]
    return found


TESTS = judged_tests()


def test_every_file_is_sound_and_nothing_in_it_is_doubtful() -> None:
    ran = call("validate", "--strict", "policies", cwd=LIBRARY.parent)
    assert (ran.code, "error" in ran.err, "warning" in ran.err) == (0, False, False), ran.err


@pytest.mark.slow
def test_every_test_passes() -> None:
    verdicts = list(rehearse([LIBRARY], builtin(), as_of=NOW))
    assert [verdict.name for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) == len(TESTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_has_its_tests_beside_it(path: Path) -> None:
    assert path.with_name(f"{path.stem}_test.yaml").is_file()


@pytest.mark.parametrize("policy", IDS)
def test_every_policy_fires_in_one_test_and_stays_silent_in_another(policy: str) -> None:
    fires = [test for _, test in TESTS if any(item["policy"] == policy for item in test.get("expect", ()))]
    silent = [
        test
        for judged, test in TESTS
        if policy in judged
        and "expect" in test
        and not test.get("partial")
        and not any(item["policy"] == policy for item in test["expect"])
    ]
    # A test that names someone the policy lets off is silent about them.
    lets_off = [test for test in fires if len(things(test)) > sum(item["policy"] == policy for item in test["expect"])]
    assert fires, "no test expects a finding of it"
    assert silent or lets_off, "no test holds it to silence"


def things(test: dict[str, Any]) -> list[Any]:
    tenants = test.get("tenants") or [test.get("given", {})]
    keys = ("users", "products", "subscriptions", "groups")
    return [thing for given in tenants for key in keys for thing in given.get(key, ())]


@pytest.mark.parametrize("policy", POLICIES, ids=IDS)
def test_every_policy_says_why_and_what_kind_it_is(policy: Any) -> None:
    assert policy.title
    assert not policy.title.endswith(".")
    assert len(policy.rationale.split()) >= 12
    assert policy.tags
    assert policy.tenants is None


def test_references_are_addresses_that_the_guidance_was_held_against() -> None:
    known = {(page.title, page.url) for page in packaged_library().documents.values()}
    used = [(page.title, page.url) for policy in POLICIES for page in policy.references]
    assert used
    assert set(used) <= known


def test_a_framework_is_named_only_where_a_finding_proves_it() -> None:
    """The control asks that holders of roles have no applications; accounts told by their names prove nothing."""
    named = {policy.id: policy.frameworks for policy in POLICIES if policy.frameworks}
    assert named == {"privileged-role-suite": ("CIS Microsoft 365 Foundations Benchmark 1.1.4",)}


def test_severities_mean_something() -> None:
    """Half of a peer's rules are "High": here it takes a reason to be."""
    counted = Counter(policy.severity for policy in POLICIES)
    assert counted[Severity.CRITICAL] <= 0.05 * len(POLICIES)
    assert counted[Severity.CRITICAL] + counted[Severity.HIGH] <= 0.25 * len(POLICIES)
    assert min(counted[severity] for severity in Severity) >= 1


def test_ids_are_unique_and_no_limit_is_reported_as_microsofts() -> None:
    assert len(set(IDS)) == len(IDS) >= 30
    for policy in POLICIES:
        bounds = isinstance(policy.constraint, Seats) and (policy.constraint.minimum or policy.constraint.maximum)
        if bounds and bounds.reached(100):
            assert "our choice" in policy.rationale, policy.id


def _policies_of(*files: str) -> set[str]:
    """The ids of the policies of some files of the library."""
    loaded = load([(name, (LIBRARY / f"{name}.yaml").read_bytes()) for name in ("sets", *files)])
    return {policy.id for policy in loaded.policies.policies}


def test_the_library_judges_a_tenant_with_no_editing_at_all(tmp_path: Path) -> None:
    state = tenant(
        user("ann", "SPE_E3", department="Sales", **USED), reports=REPORTS, subscribedSkus=[bought("SPE_E3", 20, 1)]
    )
    snapshot_folder = write(tmp_path / "snapshots", state)
    ran = call("audit", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (only,) = json.loads(ran.out)["tenants"]
    # Files about data that this snapshot does not have are the ones to leave out.
    unread = {outcome["id"] for outcome in only["policies"] if outcome["status"] not in {"pass", "fail"}}
    # Twenty seats of P1 are enough for one person, covered or not.
    assert unread == _policies_of("coverage", "roles") - {"conditional-access-p1"}
    assert [finding["policy"] for finding in only["findings"]].count("seats-idle") == 1


def test_a_tenant_in_order_is_left_in_peace(tmp_path: Path) -> None:
    """Nothing is invented: a small tenant that keeps house has nothing above info."""
    people = [
        user(
            f"u{number}",
            "SPE_E3",
            department="Sales",
            usageLocation="NL",
            mailboxType="user",
            createdDateTime="2024-01-01T00:00:00Z",
            signInActivity={"lastSignInDateTime": "2026-11-19T08:00:00Z"},
            **USED,
        )
        for number in range(48)
    ]
    snapshot_folder = write(
        tmp_path / "snapshots", tenant(*people, reports=REPORTS, subscribedSkus=[bought("SPE_E3", 50, 48)])
    )
    ran = call("audit", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (only,) = json.loads(ran.out)["tenants"]
    assert [
        (finding["policy"], finding["severity"]) for finding in only["findings"] if finding["severity"] != "info"
    ] == []
