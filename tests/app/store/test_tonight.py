"""`--store`: the audit, its reports, and the night kept in one go; a store that fails takes no report with it."""

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant
from tests.emulator.__main__ import tenants_file
from tests.emulator.fixtures import SECRET, running_emulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day, users in enumerate([[ANN], [ANN, BLOCKED_BOB]]):
        write(tmp_path / f"night{day}", night({**TWO_PEOPLE, "users": users}, day, asked=ASKED))
    return tmp_path


def audited(folder: Path, day: int, *options: str, store: str = "audits") -> Ran:
    return call(
        "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-o", f"out{day}", "-f", "json",
        "--store", store, *options, cwd=folder,
    )  # fmt: skip


def nights(folder: Path) -> list[str]:
    return [each["instant"] for each in json.loads(call("store", "list", "audits", "--json", cwd=folder).out)]


@pytest.mark.slow
def test_a_night_and_its_result_are_kept_after_the_audit(folder: Path) -> None:
    for day in (0, 1):
        done = audited(folder, day)
        assert done.code == day, done.err
        assert done.err.count(" stored, ") == 2
    assert nights(folder) == ["2026-01-29T02:17:00Z", "2026-01-30T02:17:00Z"]
    history = json.loads(call("history", "audits", "-f", "json", cwd=folder).out)["tenants"][0]
    assert (history["nights"], history["results"]) == (2, 2)
    again = audited(folder, 1, "-q")
    assert (again.code, again.err) == (1, ""), "the same night once more is no failure"
    assert call("store", "put", "audits", "out1/result.json", cwd=folder).err.count("already stored") == 1


@pytest.mark.slow
def test_only_what_is_new_fails_a_night_if_that_is_asked_for(folder: Path) -> None:
    new = ("--fail-on", "new:info")
    assert audited(folder, 1, *new, store="other").code == 1, "without an earlier night all are new"
    assert audited(folder, 0, *new).code == 0
    assert audited(folder, 1, *new).code == 1
    assert audited(folder, 1, *new).code == 1, "the same night is no earlier one"
    assert audited(folder, 1, "--fail-on", "new:critical").code == 0
    later = ("audit", "p.yaml", "--snapshot", "night1", "--as-of", instant(2), "-f", "json", "-q")
    assert call(*later, "--store", "audits", *new, cwd=folder).code == 0, "a standing backlog fails no night"
    assert call(*later, "--compare", "out1/result.json", *new, cwd=folder).code == 0
    assert call(*later, "--compare", "out0/result.json", *new, cwd=folder).code == 1
    assert call(*later, "--fail-on", "info", cwd=folder).code == 1


@pytest.mark.slow
def test_the_built_in_tenants_are_kept_while_their_snapshots_are_there(tmp_path: Path) -> None:
    done = call(
        "audit", "--demo", "--as-of", "2026-11-20T02:17:00Z", "--tenant", "fabrikam", "-f", "json", "--fail-on",
        "never", "--store", "audits", cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert call("store", "check", "audits", cwd=tmp_path).code == 0
    assert nights(tmp_path) == ["2026-11-20T02:17:00Z"]


def test_a_night_that_a_store_gave_is_not_stored_twice_in_it(folder: Path) -> None:
    assert audited(folder, 0).code == 0
    done = call(
        "audit", "p.yaml", "--snapshot", "audits", "--as-of", instant(0), "-f", "json", "--store", "audits", cwd=folder
    )
    assert done.code == 0, done.err
    assert done.err.count("already stored") == 2


@pytest.mark.slow
def test_what_the_parts_of_a_fleet_stored_is_there_already_for_the_whole(folder: Path) -> None:
    for name in ("contoso", "fabrikam"):
        made = night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, 2, asked=ASKED)
        write(folder / "night2", replace(made, manifest=replace(made.manifest, tenant=name)))
    for number in (1, 2):
        assert audited(folder, 2, "--shard", f"{number}/2", "-o", f"part{number}").code in {0, 1}
    merged = call("report", "part1/result.json", "part2/result.json", "-o", "whole", "-f", "json", cwd=folder)
    assert merged.code == 0, merged.err
    put = call("store", "put", "audits", "whole/result.json", cwd=folder)
    assert (put.code, put.err.count("already stored")) == (0, 2), put.err
    again = audited(folder, 2)
    assert (again.code, again.err.count("already stored")) == (1, 4), again.err
    (folder / "p.yaml").write_text(BLOCKED_POLICY.replace("high", "critical"))
    other = audited(folder, 2)
    assert (other.code, other.err.count("store-exists")) == (3, 2), other.err


@pytest.mark.slow
def test_a_store_that_fails_is_reported_and_the_reports_are_there(folder: Path) -> None:
    assert audited(folder, 1).code == 1
    back = audited(folder, 0)
    assert back.code == 3
    assert "store-order" in back.err, "a clock that ran backwards"
    assert (folder / "out0" / "result.json").is_file()
    assert nights(folder) == ["2026-01-29T02:17:00Z", "2026-01-30T02:17:00Z"], "the snapshot itself is kept"


@pytest.mark.slow
def test_a_half_deleted_store_keeps_what_it_can(folder: Path) -> None:
    assert audited(folder, 0).code == 0
    for part in (folder / "audits" / "contoso" / "findings").iterdir():
        part.unlink()
    done = audited(folder, 1)
    assert (done.code, "store-damaged" in done.err) == (3, True)
    assert (folder / "out1" / "result.json").is_file()
    assert len(nights(folder)) == 2


@pytest.mark.parametrize("mark", ["later", "foreign"])
def test_what_would_fail_for_sure_is_reported_before_the_audit(mark: str, folder: Path) -> None:
    assert audited(folder, 0).code == 0
    path = folder / "audits" / "store.json"
    path.write_text(path.read_text().replace("store/v1", "store/v9") if mark == "later" else "{}")
    done = audited(folder, 1)
    assert done.code == 2
    assert done.err.count("error") == 1
    assert not (folder / "out1").exists()


def test_pseudonyms_and_a_store_exclude_each_other(folder: Path) -> None:
    done = audited(folder, 0, "--redact")
    assert (done.code, "--redact" in done.err) == (2, True)
    assert not (folder / "audits").exists()


@pytest.mark.slow
def test_what_is_read_live_is_kept_and_a_store_that_fails_leaves_the_snapshots(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(BLOCKED_POLICY)
    with running_emulator() as emulator:
        (tmp_path / "tenants.yaml").write_text(tenants_file(emulator))
        environ = {**emulator.environment(), "PATH": os.environ["PATH"], "EMULATOR_CLIENT_SECRET": SECRET}
        done = call("collect", "-q", "--store", "audits", cwd=tmp_path, **environ)
        assert done.code == 0, done.err
        before = nights(tmp_path)
        # A minute later, whatever the clock says: two states of one second are refused.
        later = datetime.fromisoformat(before[0]) + timedelta(minutes=1)
        live = call(
            "audit", "-f", "json", "-q", "--fail-on", "never", "--store", "audits", cwd=tmp_path,
            **environ, SOURCE_DATE_EPOCH=str(int(later.timestamp())),
        )  # fmt: skip
        assert live.code == 0, live.err
        assert set(before) < set(nights(tmp_path))
        assert json.loads(call("history", "audits", "-f", "json", cwd=tmp_path).out)["tenants"][0]["results"] == 1
        shutil.rmtree(tmp_path / "audits")
        (tmp_path / "audits").write_text("a file, not a folder")
        failed = call("collect", "-q", "--store", "audits", "-o", "again", cwd=tmp_path, **environ)
        assert failed.code == 3, failed.err
        assert failed.err.count("error[") == 1
        assert list((tmp_path / "again").rglob("manifest.json"))
