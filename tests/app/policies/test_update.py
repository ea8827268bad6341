"""`auditor policies update`: report and apply the changes of a newer starter library."""

import subprocess
from pathlib import Path

import pytest

from auditor import __version__
from auditor.app.policies.update import update, write
from auditor.app.policy_files import COPY, library_files, load_policies
from auditor.domain.errors import InputError, UsageError
from auditor.policy.documents import digest_of
from auditor.policy.yaml.reader import parse
from auditor.snapshot.writer import write as write_snapshot
from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.tenants import tenant, user

LIBRARY = {Path(name).name: body.decode() for name, body in library_files()}
OLD_LIBRARY = {
    **LIBRARY,
    "entitlement.yaml": LIBRARY["entitlement.yaml"]
    .replace("id: guests-paid", "id: guests")
    .replace("title: Rooms, shared devices", "title: Rooms, devices"),
}
GUEST = user("eve", "SPE_E5", userType="Guest")


def digest(files: dict[str, str]) -> str:
    return digest_of(parse(body, file=name) for name, body in files.items())


def text(version: str, pinned: str, changes: str = "") -> str:
    return f"version: 1\nextends:\n  from: starter@{version}   # the library\n  digest: {pinned}\n{changes}"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A working directory whose policies extend an earlier starter library and contain a copy of it."""
    copy = tmp_path / "policies" / COPY
    copy.mkdir(parents=True)
    for name, body in (OLD_LIBRARY | {"gone.yaml": "version: 1\nproducts: {old: [SPE_E3]}\n"}).items():
        (copy / name).write_text(body)
    files = OLD_LIBRARY | {"gone.yaml": (copy / "gone.yaml").read_text()}
    (tmp_path / "policies" / "ours.yaml").write_text(text("0.1.0", digest(files), "  leaveOut: [inactive-90d]\n"))
    write_snapshot(tmp_path / "state", tenant(GUEST))
    return tmp_path


def update_policies(folder: Path, *options: str) -> Ran:
    return call("policies", "update", *options, "--as-of", AS_OF, cwd=folder)


def test_validate_suggests_policies_update_for_an_old_version(workspace: Path) -> None:
    completed = call("validate", cwd=workspace)
    assert (completed.code, "policies/ours.yaml:3:9: error[extends-version]" in completed.err) == (2, True)
    assert "auditor policies update" in completed.err


def test_pinned_copy_is_kept_if_the_new_one_cannot_be_written(workspace: Path) -> None:
    copy = workspace / "policies" / COPY
    (copy / "sets.yaml").unlink()
    (copy / "sets.yaml").mkdir()
    completed = update_policies(workspace, "--write")
    assert (completed.code, "error[" in completed.err) == (3, True)
    assert (copy / "gone.yaml").exists()


@pytest.mark.slow
def test_update_without_write_reports_changes_of_policies_and_findings(workspace: Path) -> None:
    before = (workspace / "policies" / "ours.yaml").read_text()
    completed = update_policies(workspace, "--snapshot", "state", "--names")
    output = completed.out.decode()
    assert "guests: policy removed: " in output
    assert "guests-paid: new policy: " in output
    assert "-title: Rooms, devices" in output
    assert "+title: Rooms, shared devices" in output
    assert "+ contoso: guests-paid · " in output
    assert "- contoso: guests · " in output
    assert "Changed populations and product sets: old" in output
    assert "-  from: starter@0.1.0   # the library" in output
    assert "--write" in completed.err
    assert (workspace / "policies" / "ours.yaml").read_text() == before


@pytest.mark.slow
def test_update_with_write_updates_version_digest_and_copy(workspace: Path) -> None:
    assert update_policies(workspace, "--write").code == 0
    changed = (workspace / "policies" / "ours.yaml").read_text()
    assert changed == text(__version__, digest(LIBRARY), "  leaveOut: [inactive-90d]\n")
    assert {path.name: path.read_text() for path in (workspace / "policies" / COPY).iterdir()} == LIBRARY
    assert call("validate", "--strict", cwd=workspace).code == 0
    assert f"those of the installed starter library, {__version__}." in update_policies(workspace).out.decode()


@pytest.mark.slow
def test_update_without_a_copy_reports_no_differences(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text("0.1.0", "sha256:" + "0" * 64))
    result = update([tmp_path / "p.yaml"], None)
    assert (result.policies, result.preview, result.current) == (None, None, False)
    write(result)
    assert load_policies([tmp_path / "p.yaml"]).extended


@pytest.mark.slow
def test_new_version_with_the_same_content_changes_no_policy(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text("0.1.0", digest(LIBRARY)))
    result = update([tmp_path / "p.yaml"], None)
    assert (result.policies, result.current) == ((), False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [
        "version: 1\nextends:\n  from: starter@0.2.0\n",
        "version: 1\nextends: {from: 'starter@0.1.0'}\n",
        "version: 1\r\nextends: {digest: 'sha256:"
        + "a" * 64
        + '\', from: "starter@0.1.0", leaveOut: [guests-paid]}\r\n',
        "{version: 1, extends: {from: starter@9.9.9, digest: 'sha256:" + "b" * 64 + "'}}\n",
    ],
)
def test_version_and_digest_are_written_in_any_yaml_style(tmp_path: Path, document: str) -> None:
    (tmp_path / "p.yaml").write_bytes(document.encode())
    write(update([tmp_path / "p.yaml"], None))
    loaded = load_policies([tmp_path / "p.yaml"])
    assert loaded.policies.policies
    assert (tmp_path / "p.yaml").read_bytes().count(b"\r\n") == document.count("\r\n")


def test_digest_of_an_extended_folder_is_updated(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "b.yaml").write_text(
        "version: 1\npolicies: [{id: x, severity: low, assignments: {deny: [SPE_E5]}}]\n"
    )
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "p.yaml").write_text(
        "version: 1\nextends:\n  from: ../base\n  digest: sha256:" + "0" * 64 + "\n"
    )
    write(update([tmp_path / "ours"], None))
    assert [policy.id for policy in load_policies([tmp_path / "ours"]).policies.policies] == ["x"]
    assert not (tmp_path / "ours" / COPY).exists()


def test_change_of_a_removed_policy_is_an_error_with_its_location(workspace: Path) -> None:
    path = workspace / "policies" / "ours.yaml"
    path.write_text(path.read_text() + "  policies: {guests: {severity: high}}\n")
    completed = update_policies(workspace, "--write")
    assert (completed.code, "policies/ours.yaml:6:14: error[extends-unknown]" in completed.err) == (2, True)
    assert "0.1.0" in path.read_text()


def test_copied_files_are_compared_and_not_overwritten(tmp_path: Path) -> None:
    for name in ("entitlement.yaml", "sets.yaml"):
        (tmp_path / name).write_text(OLD_LIBRARY[name])
    result = update([tmp_path], None)
    assert result.copied
    assert [policy.id for policy in result.policies or ()] == ["guests", "guests-paid", "resource-account-suite"]
    assert "capacity.yaml" in result.missing_files
    with pytest.raises(UsageError, match="copies"):
        write(result)
    assert (tmp_path / "entitlement.yaml").read_text() == OLD_LIBRARY["entitlement.yaml"]


@pytest.mark.slow
def test_missing_files_are_listed_also_if_the_copies_are_those_of_the_installed_library(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "ours.yaml").write_text("version: 1\nproducts: {ours: [SPE_E3]}\n")
    output = update_policies(tmp_path).out.decode()
    assert "Files of the starter library that the folder does not have: add-ons.yaml, business.yaml" in output
    assert "installed starter library" not in output, "the folder has none of its policies"
    (folder / "sets.yaml").write_text(LIBRARY["sets.yaml"])
    output = update_policies(tmp_path).out.decode()
    assert f"installed starter library, {__version__}." in output
    assert "does not have: add-ons.yaml" in output
    assert "sets.yaml" not in output


def test_preview_of_the_update_reads_the_library_copy_from_the_commit(workspace: Path) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@contoso.example", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *arguments], cwd=workspace, check=True, capture_output=True)
    update_policies(workspace, "--write", "-q")
    completed = call(
        "preview", "--base", "HEAD", "--snapshot", "state", "--as-of", AS_OF, "-f", "markdown=-", cwd=workspace
    )
    assert completed.code != 2, completed.err
    assert "guests-paid" in completed.out.decode()


def test_invalid_policies_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nextends: {from: starter@0.1.0}\npolices: []\n")
    with pytest.raises(InputError):
        update([tmp_path / "p.yaml"], None)
    assert call("policies", "upgrade", cwd=tmp_path).code == 2
