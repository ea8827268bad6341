"""Folders of policies: what a pull request from elsewhere may put there, and what may not be passed over in silence."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import call

POLICY = "version: 1\npolicies:\n- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices have names there")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one policy file."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def impatient() -> Iterator[None]:
    """Fail after some seconds, also where the program takes every exception for a failure of its own."""
    late = []

    def ring(*_: Any) -> None:
        late.append(1)
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert not late


@posix
@pytest.mark.parametrize("command", ["validate", "test"])
@pytest.mark.parametrize("name", ["x.yaml", "x_test.yaml"])
def test_a_link_out_of_the_folder_is_refused_and_not_quoted(folder: Path, command: str, name: str) -> None:
    (folder / "outside").write_text("root:x:0:0:secret-line\n")
    (folder / "policies" / "z_test.yaml").write_text(
        "version: 1\ntests:\n- {name: one, policies: [spare], given: {users: []}, expect: []}\n"
    )
    (folder / "policies" / name).symlink_to(folder / "outside")
    ran = call(command, "policies", cwd=folder)
    assert ran.code == 2, ran.err
    assert "policies-unreadable" in ran.err
    assert f"policies/{name}" in ran.err
    assert "link to a path outside" in ran.err
    assert "secret-line" not in ran.err + ran.text


@posix
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("target", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("named", [False, True])
def test_neither_a_pipe_nor_a_device_is_read(folder: Path, target: str, *, named: bool) -> None:
    path = folder / "policies" / "x.yaml"
    if target == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    ran = call("validate", "policies/x.yaml" if named else "policies", cwd=folder)
    assert ran.code == 2, ran.err
    assert "policies-unreadable" in ran.err


def test_a_large_file_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / "policies" / "x.yaml").open("wb") as file:
        file.truncate(1 << 40)
    ran = call("validate", "policies", cwd=folder)
    assert ran.code == 2
    assert "error[yaml-too-large]" in ran.err


@posix
def test_a_mounted_config_map_is_read(folder: Path) -> None:
    """Its files are links into a hidden folder beside them."""
    policies = folder / "policies"
    (policies / "..2026").mkdir()
    (policies / "a.yaml").rename(policies / "..2026" / "a.yaml")
    (policies / "..data").symlink_to("..2026")
    (policies / "a.yaml").symlink_to("..data/a.yaml")
    ran = call("validate", "policies", cwd=folder)
    assert ran.code == 0, ran.err
    assert "1 policy" in ran.text + ran.err


@posix
def test_a_file_that_is_named_may_be_a_link(folder: Path) -> None:
    (folder / "elsewhere.yaml").symlink_to(folder / "policies" / "a.yaml")
    assert call("validate", "elsewhere.yaml", cwd=folder).code == 0


@pytest.mark.parametrize("suffix", ["YAML", "Yml", "YML"])
def test_the_letter_case_of_the_suffix_says_nothing(folder: Path, suffix: str) -> None:
    (folder / "policies" / f"b.{suffix}").write_text(POLICY.replace("spare,", "second,"))
    ran = call("validate", "policies", cwd=folder)
    assert ran.code == 0, ran.err
    assert "2 policies" in ran.text + ran.err


@pytest.mark.parametrize("key", ["policies", '"policies"', "waivers"])
def test_policies_inside_a_test_file_are_reported(folder: Path, key: str) -> None:
    text = POLICY.replace("spare,", "second,").replace("policies", key)
    (folder / "policies" / "b_test.yaml").write_text(text)
    ran = call("validate", "policies", cwd=folder)
    assert ran.code == 2
    assert "policies/b_test.yaml:2:1" in ran.err
    assert "policies-in-test" in ran.err


def test_a_name_with_a_nul_character_is_missing(folder: Path) -> None:
    ran = call("validate", "a\0b.yaml", cwd=folder)
    assert ran.code == 2
    assert "policies-missing" in ran.err


@posix
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "pipe"),
        ("explain", "x", "--result", "pipe"),
        ("audit", "--snapshot", "pipe"),
        ("history", "pipe"),
        ("audit", "--demo", "--compare", "pipe"),
        ("products", "update", "pipe"),
        ("validate", "policies", "--tenants", "pipe"),
        ("store", "put", "store", "pipe"),
        ("collect", "--tenants", "pipe"),
    ],
)
def test_no_command_waits_for_a_pipe(folder: Path, arguments: tuple[str, ...]) -> None:
    os.mkfifo(folder / "pipe")
    ran = call(*arguments, cwd=folder)
    assert ran.code == 2, ran.err
    assert "Traceback" not in ran.err


@posix
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("variable", ["AUDITOR_PRODUCTS", "AUDITOR_CA_BUNDLE", "SSL_CERT_FILE"])
def test_no_variable_names_a_pipe(folder: Path, variable: str) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- name: contoso\n  tenantId: 6e9f2c3a-1111-4222-8333-444455556666\n"
        "  auth: {method: token, tokenEnv: TOKEN}\n"
    )
    command = ("validate", "policies") if variable == "AUDITOR_PRODUCTS" else ("doctor",)
    ran = call(*command, cwd=folder, **{variable: str(folder / "pipe"), "TOKEN": "x"})
    assert ran.code in {2, 3}, ran.err
    assert "Traceback" not in ran.err
