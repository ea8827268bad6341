"""`auditor policies update`: what another starter library changes, before and after the files go over to it."""

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
OLDER = {
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
def older(tmp_path: Path) -> Path:
    """A folder that extends an earlier starter library, of which it has a copy."""
    copy = tmp_path / "policies" / COPY
    copy.mkdir(parents=True)
    for name, body in (OLDER | {"gone.yaml": "version: 1\nproducts: {old: [SPE_E3]}\n"}).items():
        (copy / name).write_text(body)
    files = OLDER | {"gone.yaml": (copy / "gone.yaml").read_text()}
    (tmp_path / "policies" / "ours.yaml").write_text(text("0.1.0", digest(files), "  leaveOut: [inactive-90d]\n"))
    write_snapshot(tmp_path / "state", tenant(GUEST))
    return tmp_path


def updated(folder: Path, *more: str) -> Ran:
    return call("policies", "update", *more, "--as-of", AS_OF, cwd=folder)


def test_an_audit_names_the_command_that_helps(older: Path) -> None:
    ran = call("validate", cwd=older)
    assert (ran.code, "policies/ours.yaml:3:9: error[extends-version]" in ran.err) == (2, True)
    assert "auditor policies update" in ran.err


@pytest.mark.slow
def test_policies_and_findings_that_come_and_go_are_reported_and_nothing_is_written(older: Path) -> None:
    before = (older / "policies" / "ours.yaml").read_text()
    ran = updated(older, "--snapshot", "state", "--names")
    out = ran.out.decode()
    assert "guests: policy removed: " in out
    assert "guests-paid: new policy: " in out
    assert "-title: Rooms, devices" in out
    assert "+title: Rooms, shared devices" in out
    assert "+ contoso: guests-paid · " in out
    assert "- contoso: guests · " in out
    assert "Changed populations and product sets: old" in out
    assert "-  from: starter@0.1.0   # the library" in out
    assert "--write" in ran.err
    assert (older / "policies" / "ours.yaml").read_text() == before


@pytest.mark.slow
def test_written_files_are_valid_and_their_copy_is_that_of_the_library(older: Path) -> None:
    assert updated(older, "--write").code == 0
    changed = (older / "policies" / "ours.yaml").read_text()
    assert changed == text(__version__, digest(LIBRARY), "  leaveOut: [inactive-90d]\n")
    assert {path.name: path.read_text() for path in (older / "policies" / COPY).iterdir()} == LIBRARY
    assert call("validate", "--strict", cwd=older).code == 0
    assert f"those of the installed starter library, {__version__}." in updated(older).out.decode()


def test_without_a_copy_the_new_digest_is_known_and_the_difference_is_not(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text("0.1.0", "sha256:" + "0" * 64))
    found = update([tmp_path / "p.yaml"], None)
    assert (found.policies, found.preview, found.current) == (None, None, False)
    write(found)
    assert load_policies([tmp_path / "p.yaml"]).extended


def test_another_version_of_the_same_content_changes_no_policy(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(text("0.1.0", digest(LIBRARY)))
    found = update([tmp_path / "p.yaml"], None)
    assert (found.policies, found.current) == ((), False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "written",
    [
        "version: 1\nextends:\n  from: starter@0.2.0\n",
        "version: 1\nextends: {from: 'starter@0.1.0'}\n",
        "version: 1\r\nextends: {digest: 'sha256:"
        + "a" * 64
        + '\', from: "starter@0.1.0", leaveOut: [guests-paid]}\r\n',
        "{version: 1, extends: {from: starter@9.9.9, digest: 'sha256:" + "b" * 64 + "'}}\n",
    ],
)
def test_version_and_digest_are_put_in_whatever_the_style(tmp_path: Path, written: str) -> None:
    (tmp_path / "p.yaml").write_bytes(written.encode())
    write(update([tmp_path / "p.yaml"], None))
    loaded = load_policies([tmp_path / "p.yaml"])
    assert loaded.policies.policies
    assert (tmp_path / "p.yaml").read_bytes().count(b"\r\n") == written.count("\r\n")


def test_the_digest_of_a_folder_follows_its_content(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "b.yaml").write_text(
        "version: 1\npolicies: [{id: x, severity: low, assignments: {deny: [SPE_E5]}}]\n"
    )
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "p.yaml").write_text(
        "version: 1\nextends:\n  from: ../base\n  digest: sha256:" + "0" * 64 + "\n"
    )
    write(update([tmp_path / "ours"], None))
    assert [each.id for each in load_policies([tmp_path / "ours"]).policies.policies] == ["x"]
    assert not (tmp_path / "ours" / COPY).exists()


def test_a_change_of_a_policy_that_is_gone_is_reported_where_it_is_written(older: Path) -> None:
    path = older / "policies" / "ours.yaml"
    path.write_text(path.read_text() + "  policies: {guests: {severity: high}}\n")
    ran = updated(older, "--write")
    assert (ran.code, "policies/ours.yaml:6:14: error[extends-unknown]" in ran.err) == (2, True)
    assert "0.1.0" in path.read_text()


def test_copies_are_compared_and_never_overwritten(tmp_path: Path) -> None:
    for name in ("entitlement.yaml", "sets.yaml"):
        (tmp_path / name).write_text(OLDER[name])
    found = update([tmp_path], None)
    assert found.copied
    assert [each.id for each in found.policies or ()] == ["guests", "guests-paid", "resource-account-suite"]
    assert "capacity.yaml" in found.missing_files
    with pytest.raises(UsageError, match="copies"):
        write(found)
    assert (tmp_path / "entitlement.yaml").read_text() == OLDER["entitlement.yaml"]


@pytest.mark.slow
def test_a_preview_of_the_update_reads_the_copy_of_the_commit(older: Path) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@contoso.example", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *arguments], cwd=older, check=True, capture_output=True)
    updated(older, "--write", "-q")
    ran = call("preview", "--base", "HEAD", "--snapshot", "state", "--as-of", AS_OF, "-f", "markdown=-", cwd=older)
    assert ran.code != 2, ran.err
    assert "guests-paid" in ran.out.decode()


def test_invalid_policies_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nextends: {from: starter@0.1.0}\npolices: []\n")
    with pytest.raises(InputError):
        update([tmp_path / "p.yaml"], None)
    assert call("policies", "upgrade", cwd=tmp_path).code == 2
