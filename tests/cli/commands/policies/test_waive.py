"""`auditor waive`: a waiver for exactly the named findings, or no change of any file."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, ROOT, Ran, call

KEPT = "# who may what\nversion: 1\nwaivers:\n- id: W-0 # first\n  policies: [usage-location]\n  reason: a\n  owner: b\n  expires: 2026-12-31\n# end\n"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder with the starter library and a result; no test changes it."""
    folder = tmp_path_factory.mktemp("audited")
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("*_test.yaml", "*.py"))
    assert call("audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json", "-q", cwd=folder).code == 1
    return folder


@pytest.fixture
def here(audited: Path, tmp_path: Path) -> Path:
    return shutil.copytree(audited, tmp_path / "here")


def findings(here: Path, **wanted: str) -> list[dict[str, Any]]:
    result = json.loads((here / "out" / "result.json").read_text())
    every = [finding for tenant in result["tenants"] for finding in tenant["findings"]]
    return [each for each in every if all(each[name] == value for name, value in wanted.items())]


def waive(here: Path, *more: str | Path, until: str = "2027-01-31", reason: str = "a pilot: 'E5'") -> Ran:
    owner = ("--owner", "licensing@contoso.example")
    return call("waive", *more, "--until", until, "--reason", reason, *owner, "--as-of", AS_OF, cwd=here)


def test_a_missing_result_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    shutil.copyfile(ROOT / "policies" / "reclaim.yaml", tmp_path / "policies" / "reclaim.yaml")
    shutil.copyfile(ROOT / "policies" / "sets.yaml", tmp_path / "policies" / "sets.yaml")
    ran = waive(tmp_path, "0123abcd")
    assert (ran.code, "out/result.json" in ran.err, "run `auditor audit` first" in ran.err) == (2, True, True), ran.err


@pytest.mark.slow
@pytest.mark.parametrize("live", [False, True])
def test_exactly_the_named_findings_are_waived(here: Path, demo: Path, live: bool) -> None:  # noqa: FBT001
    file = here / "policies" / "waivers.yaml"
    if live:
        file.write_text(KEPT)
    chosen = [each["fingerprint"] for each in findings(here, check="assignment.not-allowed", status="open")[:3]]
    assert len(chosen) == 3
    ran = waive(here, *(mark[:12] for mark in chosen), *(("--snapshot", demo) if live else ()))
    assert ran.code == 0, ran.err
    if live:
        lines = iter(file.read_text().splitlines())
        assert all(line in lines for line in KEPT.splitlines())
    before = {each["fingerprint"] for each in findings(here, status="open")}
    call("audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json", "-q", cwd=here)
    waived = {each["fingerprint"] for each in findings(here, status="waived")}
    assert waived & before - {each["fingerprint"] for each in findings(here, policy="usage-location")} == set(chosen)
    again = waive(here, chosen[0])
    assert (again.code, "finding-waived" in again.err) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [False, True])
def test_a_new_file_names_the_schema_that_init_wrote(here: Path, schema: bool) -> None:  # noqa: FBT001
    if schema:
        (here / ".schemas").mkdir()
        (here / ".schemas" / "policy.v1.json").write_text("{}")
    (first, *_) = findings(here, check="assignment.not-allowed", status="open")
    assert waive(here, first["fingerprint"]).code == 0
    line = "# yaml-language-server: $schema=../.schemas/policy.v1.json\n"
    assert (here / "policies" / "waivers.yaml").read_text().startswith(line * schema + "version: 1\n")


@pytest.mark.slow
def test_print_shows_it_and_writes_nothing(here: Path) -> None:
    (first, *_) = findings(here, check="assignment.not-allowed", status="open")
    ran = waive(here, first["fingerprint"], "--print")
    assert ran.code == 0, ran.err
    assert ran.text.startswith(f"waivers:\n  - id: W-{first['fingerprint'][:8]}\n    policies: [{first['policy']}]\n")
    assert not (here / "policies" / "waivers.yaml").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        ({"until": "2026-11-19"}, "waiver-past"),
        ({"reason": ""}, "policy-"),
        ({"until": "2027-02-01"}, "waiver-too-long"),
        ({"mark": "0" * 8}, "finding-unknown"),
        ({"file": "broken: ["}, "yaml-"),
        ({"file": "{version: 1, waivers: []}\n"}, ""),
    ],
)
def test_what_the_rules_refuse_is_refused_and_nothing_changes(here: Path, arguments: dict[str, str], slug: str) -> None:
    (here / "policies" / "limit.yaml").write_text("version: 1\ndefaults: {waiverMaxDays: 72}\n")
    file = here / "policies" / "waivers.yaml"
    if "file" in arguments:
        file.write_text(arguments["file"])
    (first, *_) = findings(here, check="assignment.not-allowed", status="open")
    texts = {name: text for name, text in arguments.items() if name in {"until", "reason"}}
    ran = waive(here, arguments.get("mark", first["fingerprint"]), **texts)
    if slug:
        assert (ran.code, slug in ran.err) == (2, True), ran.err
        assert (file.read_text() if file.exists() else None) == arguments.get("file")
    else:
        assert ran.code == 0, ran.err


@pytest.mark.slow
def test_one_that_waives_others_too_names_them(tmp_path: Path) -> None:
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json", "-q", cwd=tmp_path)
    groups = [each["fingerprint"] for each in findings(tmp_path, check="group.license-errors")]
    demo = ("--demo", "--print")
    ran = waive(tmp_path, groups[0], *demo)
    assert (ran.code, "waiver-wide" in ran.err) == (2, True)
    assert groups[1][:8] in ran.err
    every = [*groups, *(each["fingerprint"] for each in findings(tmp_path, check="group.processing"))]
    assert waive(tmp_path, *every, *demo).code == 0
