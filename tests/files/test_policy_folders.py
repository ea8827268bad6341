"""Tests policy folders with untrusted content, such as a pull request from a fork, and files that must be reported."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import call, expect

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices have paths only on POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one policy file in `policies`."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text(SPARE_SEATS)
    return tmp_path


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Fail after 20 seconds, even if the program handles the exception of the alarm itself."""
    alarms = []

    def on_alarm(*_: Any) -> None:
        alarms.append(1)
        pytest.fail("the command blocks")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert not alarms


@posix
@pytest.mark.parametrize("command", ["validate", "test"])
@pytest.mark.parametrize("name", ["x.yaml", "x_test.yaml"])
def test_link_out_of_the_folder_is_refused_and_its_content_not_shown(folder: Path, command: str, name: str) -> None:
    (folder / "outside").write_text("root:x:0:0:secret-line\n")
    (folder / "policies" / "z_test.yaml").write_text(
        "version: 1\ntests:\n- {name: one, policies: [spare], given: {users: []}, expect: []}\n"
    )
    (folder / "policies" / name).symlink_to(folder / "outside")
    result = expect(2, command, "policies", cwd=folder)
    assert "policies-unreadable" in result.err
    assert f"policies/{name}" in result.err
    assert "link to a path outside" in result.err
    assert "secret-line" not in result.err + result.text


@posix
@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize("target", ["/dev/zero", "pipe"])
@pytest.mark.parametrize("by_path", [False, True])
def test_pipes_and_devices_are_refused(folder: Path, target: str, *, by_path: bool) -> None:
    path = folder / "policies" / "x.yaml"
    if target == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    result = expect(2, "validate", "policies/x.yaml" if by_path else "policies", cwd=folder)
    assert "policies-unreadable" in result.err
    assert "= help: specify a regular file" in result.err


def test_large_file_is_refused_without_reading_it(folder: Path) -> None:
    with (folder / "policies" / "x.yaml").open("wb") as file:
        file.truncate(1 << 40)
    result = expect(2, "validate", "policies", cwd=folder)
    assert "error[yaml-too-large]" in result.err


@posix
def test_mounted_config_map_is_read(folder: Path) -> None:
    """Its files are links into a hidden folder next to them."""
    policies = folder / "policies"
    (policies / "..2026").mkdir()
    (policies / "a.yaml").rename(policies / "..2026" / "a.yaml")
    (policies / "..data").symlink_to("..2026")
    (policies / "a.yaml").symlink_to("..data/a.yaml")
    result = expect(0, "validate", "policies", cwd=folder)
    assert "1 policy" in result.text + result.err


@posix
def test_explicitly_named_file_may_be_a_link(folder: Path) -> None:
    (folder / "elsewhere.yaml").symlink_to(folder / "policies" / "a.yaml")
    assert call("validate", "elsewhere.yaml", cwd=folder).code == 0


def test_validation_says_that_the_starter_library_is_checked_without_a_folder(tmp_path: Path, folder: Path) -> None:
    notice = "There is no folder policies/; the starter library is checked.\n"
    (tmp_path / "empty").mkdir()
    assert call("validate", cwd=tmp_path / "empty").err.startswith(notice)
    assert notice not in call("validate", cwd=folder).err


@pytest.mark.parametrize("files", [["policies/a.yaml", "policies/decisions.yaml"], ["policies/decisions.yaml"]])
def test_explicitly_named_decisions_are_validated_with_their_policies(folder: Path, files: list[str]) -> None:
    decision = "{id: one, for: {policy: spare}, answer: {skip: true}, reason: r, by: a, on: 2026-11-20}"
    (folder / "policies" / "decisions.yaml").write_text(f"version: 1\ndecisions:\n- {decision}\n")
    result = call("validate", *files, cwd=folder)
    assert (result.code, result.err) == (0, "1 file, 1 policy, 0 waivers, 1 decision: valid\n")
    (folder / "policies" / "decisions.yaml").write_text(f"version: 1\ndecisions:\n- {decision}\n- {decision}\n")
    result = expect(2, "validate", *files, cwd=folder)
    assert result.err.startswith("policies/decisions.yaml:4:8: error[decision-duplicate-id]")


def test_explicitly_named_decisions_must_exist(folder: Path) -> None:
    result = call("validate", "policies/decisions.yaml", cwd=folder)
    assert (result.code, "policies/decisions.yaml does not exist" in result.err) == (2, True)


@pytest.mark.parametrize("suffix", ["YAML", "Yml", "YML"])
def test_letter_case_of_the_suffix_is_ignored(folder: Path, suffix: str) -> None:
    (folder / "policies" / f"b.{suffix}").write_text(SPARE_SEATS.replace("spare,", "second,"))
    result = expect(0, "validate", "policies", cwd=folder)
    assert "2 policies" in result.text + result.err


@pytest.mark.parametrize("key", ["policies", '"policies"', "waivers"])
def test_policies_inside_a_test_file_are_reported(folder: Path, key: str) -> None:
    text = SPARE_SEATS.replace("spare,", "second,").replace("policies", key)
    (folder / "policies" / "b_test.yaml").write_text(text)
    result = expect(2, "validate", "policies", cwd=folder)
    assert "policies/b_test.yaml:2:1" in result.err
    assert "policies-in-test" in result.err


def test_path_with_a_nul_character_is_missing(folder: Path) -> None:
    result = expect(2, "validate", "a\0b.yaml", cwd=folder)
    assert "policies-missing" in result.err


@posix
@pytest.mark.usefixtures("time_limit")
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
def test_commands_do_not_block_on_a_pipe(folder: Path, arguments: tuple[str, ...]) -> None:
    os.mkfifo(folder / "pipe")
    result = expect(2, *arguments, cwd=folder)
    assert "Traceback" not in result.err


@posix
@pytest.mark.usefixtures("time_limit")
@pytest.mark.parametrize("variable", ["AUDITOR_PRODUCTS", "AUDITOR_CA_BUNDLE", "SSL_CERT_FILE"])
def test_commands_do_not_block_on_a_pipe_in_a_variable(folder: Path, variable: str) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- name: contoso\n  tenantId: 6e9f2c3a-1111-4222-8333-444455556666\n"
        "  auth: {method: token, tokenEnv: TOKEN}\n"
    )
    command = ("validate", "policies") if variable == "AUDITOR_PRODUCTS" else ("doctor",)
    result = call(*command, cwd=folder, **{variable: str(folder / "pipe"), "TOKEN": "x"})
    assert result.code in {2, 3}, result.err
    assert "Traceback" not in result.err
