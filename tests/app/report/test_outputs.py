"""The option -f: formats, and the paths of their files; each tenant of a large fleet has files of its own."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.report.outputs import (
    earlier_files_warning,
    earlier_tenant_files,
    outputs,
    targets_of,
    write_reports,
)
from auditor.domain.errors import UsageError
from auditor.render.view.content import PageContent
from auditor.result.aggregate import summarise
from auditor.result.ranking import MAX_SECTIONS
from tests.builders.result.results import result
from tests.builders.service.command_line import call

FILES = {"json": "plan.json"}


@pytest.mark.parametrize(
    "command", [("plan", "--demo"), ("verify", "p.json"), ("preview", "--demo", "--base", "."), ("history", ".")]
)
def test_commands_that_only_print_the_format_terminal_say_so(command: tuple[str, ...], tmp_path: Path) -> None:
    completed = call(*command, "-f", "terminal=out.txt", cwd=tmp_path)
    assert (completed.code, "error[format-path]: 'terminal=out.txt'" in completed.err) == (2, True), completed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("folder", "given"), [(".", "policies"), ("sub", "../policies"), ("sub", "{root}/policies")])
def test_sarif_has_paths_relative_to_the_repository(folder: str, given: str, tmp_path: Path) -> None:
    policy = "policies: [{id: ID, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
    for path, text in (
        ("base/b.yaml", f"version: 1\n{policy.replace('ID', 'inherited')}"),
        ("policies/p.yaml", f"version: 1\nextends: {{from: ../base}}\n{policy.replace('ID', 'own')}"),
    ):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    for name in (".git", "sub"):
        (tmp_path / name).mkdir()
    pinned = tmp_path / "policies/p.yaml"
    digest = re.search("sha256:[0-9a-f]+", call("validate", "policies", cwd=tmp_path).err)
    pinned.write_text(pinned.read_text().replace("../base}", f"../base, digest: '{digest and digest[0]}'}}"))
    call("audit", "--demo", given.format(root=tmp_path), "-f", "sarif=s.json", "-q", cwd=tmp_path / folder)
    results = json.loads((tmp_path / folder / "s.json").read_bytes())["runs"][0]["results"]
    places = {item["ruleId"]: item["locations"][0]["physicalLocation"]["artifactLocation"] for item in results}
    assert places == {
        "inherited": {"uri": "base/b.yaml", "uriBaseId": "%SRCROOT%"},
        "own": {"uri": "policies/p.yaml", "uriBaseId": "%SRCROOT%"},
    }


def test_sarif_of_an_extended_library_has_the_paths_of_its_copy(tmp_path: Path) -> None:
    identity = "11111111-2222-3333-4444-555555555555"
    call("init", "--no-input", "--policies", "extend", "--tenant-id", identity, cwd=tmp_path)
    call("audit", "--demo", "policies", "-f", "sarif=s.json", "-q", cwd=tmp_path)
    results = json.loads((tmp_path / "s.json").read_bytes())["runs"][0]["results"]
    files = {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in results}
    assert len(files) > 5
    assert all(file.startswith("policies/.starter/") and (tmp_path / file).is_file() for file in files)


def test_terminal_on_stdout_is_the_format_terminal(tmp_path: Path) -> None:
    for formats in (["terminal"], ["terminal=-"]):
        assert targets_of(formats, FILES, tmp_path) == ([], True)
    assert targets_of(["json"], FILES, tmp_path) == ([("json", tmp_path / "plan.json")], False)


def test_unknown_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format 'yaml'"):
        targets_of(["yaml=x"], FILES, tmp_path)


pytestmark = pytest.mark.slow


def test_pages_of_tenants_with_equal_display_names_have_different_titles(tmp_path: Path) -> None:
    sample = result()
    tenants = tuple(
        replace(sample.tenants[0], name=f"t{number}", display_name="Contoso") for number in range(MAX_SECTIONS + 1)
    )
    fleet = replace(sample, tenants=tenants, summary=summarise(tenants, sample.fleet))
    write_reports(fleet, PageContent(fleet, "en"), outputs(["html"], tmp_path))
    for tenant in tenants:
        page = (tmp_path / "tenants" / f"{tenant.name}.html").read_text()
        assert f"{tenant.name} (Contoso)" in re.sub(r"<[^>]+>", "", page.partition("</h1>")[0])


def test_files_of_tenants_that_are_no_longer_audited_are_named(tmp_path: Path) -> None:
    sample = result()
    tenants = tuple(replace(sample.tenants[0], name=f"t{number:02}") for number in range(MAX_SECTIONS + 1))
    output = outputs(["html", "json"], tmp_path)
    fleet, smaller = (replace(sample, tenants=part) for part in (tenants, tenants[1:]))
    write_reports(fleet, PageContent(fleet, "en"), output)
    assert list(earlier_tenant_files(fleet, output)) == []
    files = [path.relative_to(tmp_path / "tenants").as_posix() for path in earlier_tenant_files(smaller, output)]
    assert files == ["t00.json", *(f"{tenant.name}.html" for tenant in tenants)], (
        "a small fleet has no pages of tenants"
    )
    (warning,) = earlier_files_warning(earlier_tenant_files(smaller, output))
    assert "t00.json" in str(warning.message)
    assert str(warning.message).endswith(", …")
    assert list(earlier_tenant_files(smaller, outputs(["csv"], tmp_path))) == []
