"""Tests for defects of comparable tools, as of August 2026, that no test of a package covers."""

import json
import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.app.policy_files import library_files
from auditor.catalogue import builtin
from auditor.checks.data_needs import policy_needs
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from auditor.policy.loader import load
from auditor.snapshot.writer import write
from tests.builders.result.rendered import rendered_bytes
from tests.builders.service.command_line import ROOT, call
from tests.builders.tenant.collection import PEOPLE, SIGN_INS, collect
from tests.builders.tenant.tenants import audited, bought, finding_keys, judged, path, policy_file, sku_id, tenant, user
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant import seeded

USERS = 1_200


@pytest.mark.slow
def test_every_page_of_users_is_read_with_few_requests_and_no_writes() -> None:
    """c7n reads the first page only; Prowler sends a request for each user; Office365itpros changes report settings."""
    with running_emulator([seeded.generate(USERS)]) as graph:
        collection = collect(graph, PEOPLE.union(SIGN_INS))
        assert collection.tables["users"].num_rows == collection.manifest.coverage(Source.USERS).count == USERS
        assert len(graph.journal.records) < USERS / 20
        # A few users without a sign-in are requested individually, to check if a large page left it out.
        assert len([record for record in graph.journal.records if re.fullmatch(r"/users/[^$/].*", record.path)]) <= 8
        assert not graph.journal.writes()


def test_data_needs_contain_every_property_used_in_starter_policies() -> None:
    """c7n tests a field that it never selects: all users have been inactive for 999 days."""
    known = {*EVERYTHING_ABOUT_USERS, "onPremisesExtensionAttributes"}
    for policy in load(library_files()).policies.policies:
        assert set(policy_needs(policy).user_properties) <= known


@pytest.mark.slow
def test_fingerprints_do_not_depend_on_the_order_of_the_data() -> None:
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


@pytest.mark.slow
def test_waiver_applies_to_every_format_and_its_end_is_announced(tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_links_contain_no_personal_data() -> None:
    """CIPP's snooze links contain the complete item in their query."""
    people = [
        user("ann", "SPE_E5", "SPE_E3", accountEnabled=False, displayName='<b>Ann</b> & "Co", Ltd'),
        user("bob", "SPE_E3", paths=[path("SPE_E3", "g1"), path("SPE_E3")], displayName="=HYPERLINK(1)"),
    ]
    text = policy_file("assignments: {deny: ['SPE_*'], duplicates: deny}", prices="{SPE_E3: 35.70, SPE_E5: 54.75}")
    result = audited(text, tenant(*people, subscribedSkus=[bought("SPE_E3", 1, 2), bought("SPE_E5", 9, 1)]))
    for name in ("html", "json", "csv", "markdown", "sarif", "junit", "ndjson"):
        links = re.findall(rb"https?://[^\s\"'<>)]+", rendered_bytes(result, name))
        assert not [link for link in links if re.search(rb"ann|bob|contoso|id-", link, re.IGNORECASE)]


@pytest.mark.parametrize(
    "workflow", sorted([*(ROOT / ".github").rglob("*.y*ml"), ROOT / "action.yml"]), ids=lambda path: path.name
)
def test_no_workflow_has_expressions_in_shell_scripts(workflow: Path) -> None:
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


def test_file_names_differ_in_more_than_letter_case() -> None:
    """ScubaGear did not find files on Linux because of the letter case of their names."""
    names = [
        path.relative_to(ROOT).as_posix().casefold()
        for top in ("auditor", "policies", "reports")
        for path in (ROOT / top).rglob("*")
        if "__pycache__" not in path.parts
    ]
    assert len(set(names)) == len(names)


def test_service_is_found_in_every_suite_that_contains_it() -> None:
    """P1 is part of many suites, so rules about it must check service plans."""
    parts = {"ann": "SPE_E3", "bob": "SPB", "cas": "EMS", "dee": "AAD_PREMIUM", "eve": "EXCHANGESTANDARD"}
    holders = [user(name, part) for name, part in parts.items()]
    result = judged("assignments: {require: [{withService: AAD_PREMIUM}]}", tenant(*holders))
    assert [row[1] for row in finding_keys(result)] == ["eve"]


def test_suites_without_teams_have_separate_ids() -> None:
    names = {item.part_number for item in builtin().products.values()}
    parts = [part for part in names if "no_Teams" in part and "E5" in part]
    assert parts
    with_teams = {sku_id("SPE_E5"), sku_id("ENTERPRISEPREMIUM")}
    assert not with_teams & {sku_id(part) for part in parts}
    assert all(
        "TEAMS1" not in {plan.name for plan in item.plans} for part in parts for item in builtin().by_part_number(part)
    )
