"""The starter library: valid files, tests with and without findings, documentation and severities."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from auditor.app.audit.remediation import packaged_library
from auditor.app.policy_files import library_files
from auditor.app.policy_tests.runner import run_tests
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
"""Usage facts of an active user without Copilot."""
REPORTS = dict.fromkeys(REPORT_COLUMNS, date(2026, 11, 18))
LIBRARY = Path(__file__).parents[2] / "policies"
FILES = sorted(path for path in LIBRARY.glob("*.yaml") if not path.stem.endswith("_test"))
POLICIES = load(library_files()).policies.policies
IDS = [policy.id for policy in POLICIES]


def items(path: Path, key: str) -> list[dict[str, Any]]:
    document = parse(path.read_bytes(), file=path.name).value
    assert isinstance(document, dict)
    entries: list[dict[str, Any]] = document.get(key) or []
    return entries


def library_tests() -> list[tuple[frozenset[str], dict[str, Any]]]:
    """Every test with the ids of the policies that it covers: those that it names, or all of its policy file."""
    tests = []
    for path in FILES:
        policy_ids = [policy["id"] for policy in items(path, "policies")]
        test_file = path.with_name(f"{path.stem}_test.yaml")
        tests += [(frozenset(test.get("policies", policy_ids)), test) for test in items(test_file, "tests")]
    return tests


TESTS = library_tests()


def test_validate_strict_reports_nothing_about_the_library() -> None:
    completed = call("validate", "--strict", "policies", cwd=LIBRARY.parent)
    assert (completed.code, "error" in completed.err, "warning" in completed.err) == (0, False, False), completed.err


@pytest.mark.slow
def test_every_library_test_passes() -> None:
    verdicts = list(run_tests([LIBRARY], builtin(), as_of=NOW))
    assert [verdict.name for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) == len(TESTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_policy_file_has_a_test_file(path: Path) -> None:
    assert path.with_name(f"{path.stem}_test.yaml").is_file()


@pytest.mark.parametrize("policy", IDS)
def test_every_policy_has_a_test_with_and_a_test_without_a_finding(policy: str) -> None:
    with_finding = [test for _, test in TESTS if any(item["policy"] == policy for item in test.get("expect", ()))]
    without_finding = [
        test
        for judged, test in TESTS
        if policy in judged
        and "expect" in test
        and not test.get("partial")
        and not any(item["policy"] == policy for item in test["expect"])
    ]
    # A test with a finding also covers silence if it has subjects without a finding.
    with_other_subjects = [
        test for test in with_finding if len(subjects(test)) > sum(item["policy"] == policy for item in test["expect"])
    ]
    assert with_finding, "no test expects a finding of it"
    assert without_finding or with_other_subjects, "no test covers the absence of its findings"


def subjects(test: dict[str, Any]) -> list[Any]:
    tenants = test.get("tenants") or [test.get("given", {})]
    keys = ("users", "products", "subscriptions", "groups")
    return [subject for given in tenants for key in keys for subject in given.get(key, ())]


@pytest.mark.parametrize("policy", POLICIES, ids=IDS)
def test_every_policy_has_title_rationale_and_tags(policy: Any) -> None:
    assert policy.title
    assert not policy.title.endswith(".")
    assert len(policy.rationale.split()) >= 12
    assert policy.tags
    assert policy.tenants is None


def test_references_are_documents_of_the_guidance() -> None:
    documents = {(page.title, page.url) for page in packaged_library().documents.values()}
    used = [(page.title, page.url) for policy in POLICIES for page in policy.references]
    assert used
    assert set(used) <= documents


def test_framework_is_named_only_by_a_policy_that_proves_the_control() -> None:
    """The control requires role holders without applications; policies that guess roles from names do not prove it."""
    named = {policy.id: policy.frameworks for policy in POLICIES if policy.frameworks}
    assert named == {"privileged-role-suite": ("CIS Microsoft 365 Foundations Benchmark 1.1.4",)}


def test_few_policies_have_a_high_severity() -> None:
    """In a comparable tool, half of the rules are "High"; here, a high severity is the exception."""
    counted = Counter(policy.severity for policy in POLICIES)
    assert counted[Severity.CRITICAL] <= 0.05 * len(POLICIES)
    assert counted[Severity.CRITICAL] + counted[Severity.HIGH] <= 0.25 * len(POLICIES)
    assert min(counted[severity] for severity in Severity) >= 1


def test_ids_are_unique_and_rationales_say_that_limits_are_our_choice() -> None:
    assert len(set(IDS)) == len(IDS) >= 30
    for policy in POLICIES:
        bounds = isinstance(policy.constraint, Seats) and (policy.constraint.minimum or policy.constraint.maximum)
        if bounds and bounds.seats_of(100):
            assert "our choice" in policy.rationale, policy.id


def _policies_of(*files: str) -> set[str]:
    """The ids of the policies in files of the library."""
    loaded = load([(name, (LIBRARY / f"{name}.yaml").read_bytes()) for name in ("sets", *files)])
    return {policy.id for policy in loaded.policies.policies}


@pytest.mark.slow
def test_library_evaluates_a_tenant_without_editing(tmp_path: Path) -> None:
    state = tenant(
        user("ann", "SPE_E3", department="Sales", **USED), reports=REPORTS, subscribedSkus=[bought("SPE_E3", 20, 1)]
    )
    snapshot_folder = write(tmp_path / "snapshots", state)
    completed = call("audit", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (contoso,) = json.loads(completed.out)["tenants"]
    # Only policies about data that this snapshot does not have are not evaluated.
    unread = {outcome["id"] for outcome in contoso["policies"] if outcome["status"] not in {"pass", "fail"}}
    # Twenty P1 seats are enough for one person, covered by Conditional Access or not.
    assert unread == _policies_of("coverage", "roles") - {"conditional-access-p1"}
    assert [finding["policy"] for finding in contoso["findings"]].count("seats-idle") == 1


@pytest.mark.slow
def test_tenant_in_good_order_has_only_info_findings(tmp_path: Path) -> None:
    """A small tenant without problems has no finding above severity info."""
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
    completed = call("audit", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    (contoso,) = json.loads(completed.out)["tenants"]
    assert [
        (finding["policy"], finding["severity"]) for finding in contoso["findings"] if finding["severity"] != "info"
    ] == []
