"""Tests for defects of comparable tools: this program must not have them.

The facts are from the tools' own files and issues, as of August 2026. Defects in collecting data are in
test_collection.py.
"""

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.app.policy_files import library_files
from auditor.domain.enums import Severity
from auditor.domain.errors import InputError
from auditor.policy.loader import load
from auditor.render.view.charts.seat_chart import WIDTH, seat_bar
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, ROOT, call
from tests.builders.tenant.collection import PEOPLE, SIGN_INS, collect
from tests.builders.tenant.tenants import (
    NOW,
    audited,
    bought,
    euros,
    finding_keys,
    judged,
    one,
    outcome,
    path,
    policy_file,
    sku_id,
    tenant,
    user,
)
from tests.e2e.peers.everyday import everyday, rendered
from tests.emulator.server import Emulator

REPORTS = ("html", "json", "csv", "markdown", "sarif", "junit", "ndjson")


@pytest.mark.parametrize(
    "code",
    [
        "CountViolation", "MutuallyExclusiveViolation", "DependencyViolation", "ProhibitedInUsageLocationViolation",
        "UniquenessViolation", "Other", "SomethingOf2031",
    ],
)  # fmt: skip
def test_07_assignment_error_with_any_code_is_a_finding(code: str) -> None:
    """CIPP only handles five codes; DependencyViolation and Other are not among them."""
    ann = user("ann", paths=[path("SPE_E3", state="Error", error=code)])
    result = judged("health: {errors: deny}", tenant(ann))
    assert finding_keys(result) == [("assignment.error", "ann", "SPE_E3", code)]


def test_08_low_seat_usage_is_not_shown_as_good() -> None:
    """CIPP's icon is green from 90 %, yellow from 70 %, and green again below."""
    charts = [seat_bar(usable=100, consumed=used, warning=0, facts={}) for used in range(101)]
    lengths = [bar.assigned for bar in charts if bar is not None]
    assert len(lengths) == 101
    assert lengths == sorted(set(lengths))
    assert lengths[-1] == WIDTH
    spare = "seats: {spare: {max: 10%}}"
    states = [judged(spare, tenant(subscribedSkus=[bought("SPE_E3", 100, used)])) for used in (0, 5, 50, 89, 90, 100)]
    assert [outcome(state) for state in states] == ["fail"] * 4 + ["pass"] * 2


@pytest.mark.parametrize("name", ["csv", "markdown", "ndjson", "json"])
def test_09_cells_contain_no_program_objects_or_markup(name: str) -> None:
    """ScubaGear's sample has HTML in cells of its CSV, and `System.Object[]`."""
    text = rendered(everyday(), name).decode("utf-8-sig")
    assert "System.Object" not in text
    assert not re.search(r"<(?!built-in)(?:class|function|object)\b|object at 0x|Decimal\(|datetime\.", text)
    if name == "csv":
        cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
        assert not [cell for cell in cells if re.match(r"<(?!b>Ann)", cell)]
        assert not [cell for cell in cells if cell.startswith("=")]


@pytest.mark.parametrize("name", REPORTS)
def test_10_reports_are_utf_8(name: str) -> None:
    """ScubaGear's sample report is UTF-16."""
    body = rendered(everyday(), name)
    assert body.decode("utf-8")
    assert not body.startswith((b"\xff\xfe", b"\xfe\xff"))
    assert b"\0" not in body


def test_11_report_loads_nothing() -> None:
    """Prowler's report needs four libraries from a content delivery network."""
    page = rendered(everyday(), "html").decode()
    assert not re.findall(
        r"""<(?:script|img|iframe|link|source|video|object|embed)\b[^>]*\b(?:src|href|data)\s*=\s*["']?(?:https?:)?//""",
        page,
        re.IGNORECASE,
    )
    assert not re.findall(r"@import|url\(\s*['\"]?(?:https?:)?//", page, re.IGNORECASE)
    csp = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert csp is not None
    assert "default-src 'none'" in html.unescape(csp[1])


def test_12_fingerprints_do_not_depend_on_the_order_of_the_data() -> None:
    """M365-Assess numbers findings by position; checkov's baseline cannot distinguish two findings of the same kind."""
    people = [
        user(name, "SPE_E3", "SPE_E5", paths=[path("SPE_E3", "g"), path("SPE_E3"), path("SPE_E5")]) for name in "abc"
    ]
    text = policy_file("assignments: {deny: ['SPE_*'], duplicates: deny, require: [SPE_F1, VISIOCLIENT]}")
    skus = [bought("SPE_E3"), bought("SPE_E5")]
    results = [
        audited(text, tenant(*(reordered(person) for person in order), subscribedSkus=list(reversed(skus))))
        for order in permutations(people)
    ]
    keys = [[finding.fingerprint for finding in result.tenants[0].findings] for result in results]
    assert all(fingerprints == keys[0] for fingerprints in keys)
    assert len(set(keys[0])) == len(keys[0]) == 15


def reordered(person: dict[str, Any]) -> dict[str, Any]:
    """Return the same person with keys and lists in reverse order."""
    return {key: person[key][::-1] if isinstance(person[key], list) else person[key] for key in reversed(person)}


def test_13_waiver_applies_to_every_format_and_its_end_is_announced(tmp_path: Path) -> None:
    """Kyverno applies an exception on one path only (#17473); 92 of ferret-scan's expired without a message (#699)."""
    waiver = "[{id: W, policies: [p], reason: r, owner: o, expires: 2026-11-30}]"
    (tmp_path / "p.yaml").write_text("version: 1\n" + policy_file("assignments: {deny: [SPE_E3]}", waivers=waiver))
    snapshot_folder = write(tmp_path / "s", tenant(user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 1, 1)]))

    def run(day: str) -> tuple[int, dict[str, Any], str]:
        arguments = ("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", day, "-f", "json,junit,csv,sarif")
        ran = call(*arguments, cwd=tmp_path)
        document = json.loads((tmp_path / "out" / "result.json").read_text())
        return ran.code, document, (tmp_path / "out" / "junit.xml").read_text()

    code, active, junit = run("2026-11-20")
    assert (code, active["summary"]["waived"], sum(active["summary"]["open"].values())) == (0, 1, 0)
    assert "<failure" not in junit
    assert [notice["code"] for notice in active["tenants"][0]["notices"]] == ["waiver.expiring"]
    code, expired, junit = run("2026-12-01")
    assert (code, expired["summary"]["waived"], sum(expired["summary"]["open"].values())) == (1, 0, 1)
    assert "<failure" in junit
    assert [notice["code"] for notice in expired["tenants"][0]["notices"]] == ["waiver.expired"]


def test_14_duplicate_yaml_key_is_an_error() -> None:
    """Prowler's documented limitation: the second of two equal keys silently replaces the first."""
    with pytest.raises(InputError) as caught:
        load([("p.yaml", b"version: 1\npolicies:\n- id: a\n  severity: low\n  budget: {limit: 1}\n  severity: high\n")])
    assert (caught.value.slug, caught.value.span and caught.value.span.line) == ("yaml-duplicate-key", 6)


def test_15_actions_remove_only_the_product_of_the_finding(tmp_path: Path) -> None:
    """Prowler's remediation removes all licences of a user, without checking groups, mailbox, OneDrive or holds."""
    people = [
        user("ann", "SPE_E5", "FLOW_FREE", accountEnabled=False, paths=[path("SPE_E5"), path("FLOW_FREE")]),
        user("bob", "SPE_E5", accountEnabled=False, paths=[path("SPE_E5", "g1")]),
    ]
    state = tenant(
        *people,
        subscribedSkus=[bought("SPE_E5", 5, 2)],
        groups=[{"id": "g1", "displayName": "Staff", "assignedLicenses": [{"skuId": sku_id("SPE_E5")}]}],
    )
    text = policy_file("assignments: {of: paid, allow: []}", users="{accountEnabled: false}")
    (tmp_path / "p.yaml").write_text(f"version: 1\n{text}")
    arguments = ("audit", "p.yaml", "--snapshot", write(tmp_path / "s", state), "--as-of", AS_OF, "-f", "json=-")
    actions = json.loads(call(*arguments, cwd=tmp_path).out)["tenants"][0]["actions"]
    requests = [request for action in actions for request in action["requests"] if request.get("path")]
    assigned = {request["path"]: request["body"] for request in requests if "assignLicense" in request["path"]}
    # Only the product in question, and never directly if a group assigns it.
    assert all(set(body["removeLicenses"]) <= {sku_id("SPE_E5")} for body in assigned.values())
    assert "/users/id-bob/assignLicense" not in assigned
    actions_text = json.dumps(actions).casefold()
    assert all(word in actions_text for word in ("mailbox", "onedrive", "hold", "group"))


def test_16_money_is_exact_and_currencies_are_not_mixed() -> None:
    """Office365itpros adds floats and assumes one currency."""
    people = [user(f"u{number}", "SPE_E3") for number in range(10)]
    text = policy_file("assignments: {deny: [SPE_E3]}", prices="{SPE_E3: 0.1}")
    findings = audited(text, tenant(*people)).tenants[0].findings
    assert sum((euros(finding) or Decimal(0) for finding in findings), Decimal(0)) == Decimal("1.0")
    with pytest.raises(InputError, match="USD"):
        load(
            [
                (n, f"version: 1\nprices: {{currency: {n}, perSeatPerMonth: {{{s}: 1}}}}".encode())
                for n, s in (("EUR", "A"), ("USD", "B"))
            ]
        )


def test_17_collection_changes_nothing_in_a_tenant(graph: Emulator) -> None:
    """Office365itpros disables a tenant's privacy setting to see names."""
    collect(graph, PEOPLE.union(SIGN_INS))
    assert not graph.journal.writes()
    assert not graph.journal.of("*reportSettings*")


@pytest.mark.slow
def test_18_links_contain_no_personal_data() -> None:
    """CIPP's snooze links contain the complete item in their query."""
    for name in REPORTS:
        links = re.findall(rb"https?://[^\s\"'<>)]+", rendered(everyday(), name))
        assert not [link for link in links if re.search(rb"ann|bob|contoso|id-", link, re.IGNORECASE)]


def test_19_findings_set_the_exit_code(tmp_path: Path) -> None:
    """Maester's action exits with 0 if tests fail."""
    (tmp_path / "p.yaml").write_text("version: 1\n" + policy_file("assignments: {deny: [SPE_E3]}"))
    snapshot_folder = write(tmp_path / "s", tenant(user("ann", "SPE_E3")))
    assert (
        call("audit", "p.yaml", "--snapshot", snapshot_folder, "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path).code == 1
    )


@pytest.mark.parametrize(
    "workflow", sorted([*(ROOT / ".github").rglob("*.y*ml"), ROOT / "action.yml"]), ids=lambda path: path.name
)
def test_19_no_workflow_has_expressions_in_shell_scripts(workflow: Path) -> None:
    """Maester's action writes its inputs into the text of a script."""
    scripts = list(_scripts(yaml.load(workflow.read_text(), Loader=yaml.BaseLoader)))
    assert not [script for script in scripts if "${{" in script]


def _scripts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("run"), str):
            yield node["run"]
        for value in node.values():
            yield from _scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _scripts(item)


@pytest.mark.slow
def test_20_at_most_a_quarter_of_starter_policies_are_high_or_critical() -> None:
    """Half of Maester's rules are High, so the severity has no meaning."""
    counts = Counter(policy.severity for policy in load(library_files()).policies.policies)
    assert counts[Severity.CRITICAL] + counts[Severity.HIGH] <= counts.total() / 4


def test_21_billing_term_is_not_guessed_from_dates() -> None:
    """CIPP guesses a monthly or yearly term from the interval between two dates."""
    for days in (30, 365, 1095):
        end = format_instant(NOW + timedelta(days=1))
        created = format_instant(NOW + timedelta(days=1 - days))
        row = {
            "id": "s",
            "skuId": sku_id("SPE_E3"),
            "status": "Enabled",
            "createdDateTime": created,
            "nextLifecycleDateTime": end,
        }
        finding = one(judged("subscriptions: {expiring: {within: 30d}}", tenant(subscriptions=[row])))
        assert not [key for key in finding.evidence if re.search("term|month|year|cycle(?!Date)", key, re.IGNORECASE)]


def test_22_product_and_file_names_are_case_insensitive() -> None:
    """ScubaGear did not find files on Linux because of the letter case of their names."""
    for name in ("SPE_E3", "spe_e3", "Spe_e3", sku_id("SPE_E3").upper(), "sPe_*"):
        ann = user("ann") | {"assignedLicenses": [{"skuId": sku_id("SPE_E3").upper(), "disabledPlans": []}]}
        result = judged(f"assignments: {{deny: ['{name}']}}", tenant(ann, subscribedSkus=[bought("SPE_E3")]))
        assert [finding.product and finding.product.sku_part_number for finding in result.findings] == ["SPE_E3"]
    names = [
        path.relative_to(ROOT).as_posix().casefold()
        for top in ("auditor", "policies", "reports")
        for path in (ROOT / top).rglob("*")
        if "__pycache__" not in path.parts
    ]
    assert len(set(names)) == len(names)
