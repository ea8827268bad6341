"""`auditor init`: a repository that validates and passes its tests, written once and never over somebody's work."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from auditor.settings.reading import read
from tests.cli.harness import AS_OF, call, contents

KINDS = list(product(("small", "large"), ("groups", "direct")))


@pytest.mark.parametrize(("size", "assignment"), KINDS)
def test_the_scaffold_is_sound_and_its_tests_pass(tmp_path: Path, size: str, assignment: str) -> None:
    ran = call("init", "--size", size, "--assignment", assignment, "--agreement", "csp", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert call("validate", "--strict", "--tenants", "tenants.yaml", cwd=tmp_path).code == 0
    tested = call("test", "-q", "--as-of", AS_OF, cwd=tmp_path)
    assert tested.code == 0, tested.text
    assert not tested.text.startswith("0 passed")
    assert (tmp_path / "policies" / "governance.yaml").exists() == (assignment == "groups")
    assert (tmp_path / "policies" / "mailboxes.yaml").exists() == (size == "large")
    assert read(tmp_path / "tenants.yaml").tenants[0].agreement.value == "csp"


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = call("init", "team", "--size", "large", cwd=tmp_path)
    before = contents(tmp_path)
    second = call("init", "team", "--size", "large", cwd=tmp_path)
    assert contents(tmp_path) == before
    assert second.code == 0
    assert second.out == first.out
    assert "everything is there already" in second.err


def test_what_differs_is_named_and_left_until_it_is_forced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours\n")
    ran = call("init", cwd=tmp_path)
    assert ran.code == 0
    assert "README.md differs and was left as it is" in ran.err
    assert (tmp_path / "README.md").read_text() == "ours\n"
    assert (tmp_path / "tenants.yaml").exists()
    assert call("init", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "README.md").read_text().startswith("# Licence audit")


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "tenants.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "tenants.yaml differs" in call("init", "team", cwd=tmp_path).err
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_an_id_that_is_taken_stops_it_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    own = "version: 1\npolicies:\n- {id: seats-idle, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
    (tmp_path / "policies" / "own.yaml").write_text(own)
    before = contents(tmp_path)
    ran = call("init", cwd=tmp_path)
    assert ran.code == 2
    assert "[policy-duplicate-id]" in ran.err
    assert contents(tmp_path) == before


def test_a_file_in_the_way_stops_it(tmp_path: Path) -> None:
    (tmp_path / "team").write_text("x")
    ran = call("init", "team", cwd=tmp_path)
    assert (ran.code, "[init-folder]" in ran.err) == (2, True)
    (tmp_path / ".github").write_text("x")
    before = contents(tmp_path)
    assert call("init", cwd=tmp_path).code in {2, 3}
    assert [path for path in contents(tmp_path) if path not in before and not path.endswith("policies")] == []


def test_permissions_are_only_what_the_policies_need(tmp_path: Path) -> None:
    small = call("init", "small", cwd=tmp_path).text
    large = call("init", "large", "--size", "large", cwd=tmp_path).text
    for name in ("AuditLog.Read.All", "MailboxSettings.Read"):
        assert name not in small
        assert name in large
    assert "User.Read.All" in small
    for text in (small, large):
        assert "repo:OWNER/REPOSITORY:ref:" in text
        assert "repo:OWNER@OWNERID/REPOSITORY@REPOSITORYID:" in text
        assert "New-ManagementScope" in text


def test_values_reach_files_and_commands(tmp_path: Path) -> None:
    tenant, client, pin = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444", "c" * 40
    known = ("--tenant-id", tenant, "--client-id", client, "--pin", pin)
    ran = call("init", "--name", "fabrikam", "--mail-from", "audit@fabrikam.example", *known, cwd=tmp_path)
    assert ran.code == 0, ran.err
    settings = read(tmp_path / "tenants.yaml")
    assert (settings.tenants[0].name, settings.tenants[0].tenant_id) == ("fabrikam", tenant)
    assert client in ran.text
    assert "CLIENT_ID " not in ran.text.split("# 2.")[1]
    for name in ("nightly-audit", "policy-preview"):
        text = (tmp_path / ".github" / "workflows" / f"{name}.yml").read_text()
        assert f"m365-license-auditor/auditor@{pin} # v" in text
        assert yaml.safe_load(text)["permissions"] == {}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--name", "Contoso;x"),
        ("--tenant-id", "x"),
        ("--client-id", "$(id)"),
        ("--mail-from", "a'b@c.example"),
        ("--pin", "main"),
        ("--agreement", "x"),
        ("--size", "x"),
    ],
)
def test_a_wrong_value_writes_nothing(tmp_path: Path, wrong: tuple[str, str]) -> None:
    assert call("init", *wrong, cwd=tmp_path).code == 2
    assert contents(tmp_path) == {}
