"""Registration of checks: a copy of the template is a working check, and ids are unique."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auditor.checks.registry import all_checks, check_of, known_check, register
from auditor.domain.enums import Source
from auditor.domain.policy.model import PolicySet
from auditor.engine.policy_index import rules_of
from auditor.snapshot.writer import write
from tests.builders.tenant.tenants import NOW, bought, tenant, user
from tests.package.tree import ROOT

TEMPLATE = ROOT / "tests" / "checks" / "template.py"
POLICY = """
version: 1
policies:
  - id: blocked-accounts
    severity: high
    assignments: {of: SPE_E3, redundant: deny}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}
"""
PROGRAM = """
import sys
from auditor.checks.registry import register
from extra_checks.added import CHECK
register(CHECK)
from auditor.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
LARGE_MAILBOX = """
from auditor.domain.policy.selector import MailboxLargerThan
CHECK = replace(CHECK, id="mailbox.large", name="large mailbox", selectors=lambda _: (MailboxLargerThan(size=1000),))
"""
"""Changes the template to a check that evaluates a usage report."""
REFRESHED = NOW.date()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with a copy of the template, a policy about E3, and the snapshot of a tenant with one blocked account."""
    package = tmp_path / "extra_checks"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(TEMPLATE, package / "added.py")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    state = tenant(
        user("ann", "SPE_E3", "VISIOCLIENT", accountEnabled=False, mailboxStorageUsed=10),
        user("bob", "SPE_E3", mailboxStorageUsed=2000),
        subscribedSkus=[bought("SPE_E3", 5, 2), bought("VISIOCLIENT", 5, 1)],
        reports={Source.MAILBOX_USAGE: REFRESHED},
    )
    write(tmp_path / "snapshots", state)
    return tmp_path


def audited_tenant(folder: Path) -> Any:
    """Audit the snapshot with the check of the package; return the tenant of result.json."""
    arguments = ["audit", "--snapshot", "snapshots", "policy.yaml", "--as-of", NOW.isoformat(), "--locale", "en"]
    formats = ["--fail-on", "high", "-f", "json", "-f", "csv", "-f", "html"]
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, *formats, "--no-progress"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (completed.returncode, "Traceback" in completed.stderr) == (1, False), completed.stderr

    (audited,) = json.loads((folder / "out" / "result.json").read_bytes())["tenants"]
    return audited


@pytest.mark.slow
def test_findings_of_a_check_from_the_template_are_in_every_report(folder: Path) -> None:
    audited = audited_tenant(folder)
    (finding,) = audited["findings"]
    assert (finding["check"], finding["subject"]["name"], finding["product"]["skuPartNumber"]) == (
        "account.blocked",
        "Ann",
        "SPE_E3",
    )
    assert finding["money"] == {"currency": "EUR", "perMonth": 40.0}
    assert finding["guidance"] == "former-employee"
    (action,) = audited["actions"]
    assert (action["kind"], action["findings"]) == ("unassign", [finding["fingerprint"]])

    with (folder / "out" / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["check"] == "account.blocked"
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "sign-in is blocked" in page


@pytest.mark.slow
def test_selector_of_a_check_is_evaluated_and_its_values_are_evidence(folder: Path) -> None:
    with (folder / "extra_checks" / "added.py").open("a", encoding="utf-8") as file:
        file.write(LARGE_MAILBOX)
    (finding,) = audited_tenant(folder)["findings"]
    assert (finding["check"], finding["subject"]["name"]) == ("mailbox.large", "Bob")
    assert finding["evidence"]["mailboxUsage"] == {"refreshDate": REFRESHED.isoformat(), "storageUsed": 2000}


def test_registering_an_id_twice_raises_value_error() -> None:
    first = all_checks()[0]
    assert check_of(first.id) is first
    with pytest.raises(ValueError, match=first.id):
        register(first)


def test_every_tenant_of_a_run_uses_the_same_rules() -> None:
    policies = PolicySet(policies=())
    assert rules_of(policies, all_checks()) is rules_of(policies, all_checks())


def test_unknown_check_id_raises_key_error() -> None:
    assert known_check("assignment.unheard-of") is None
    with pytest.raises(KeyError):
        check_of("assignment.unheard-of")
