"""`audit --store`: audit, report and store the night in one run; reports are written even if the store fails."""

import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call, expect
from tests.builders.service.mail_relay import free_port
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant
from tests.emulator.__main__ import tenants_file
from tests.emulator.fixtures import SECRET, running_emulator

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day, users in enumerate([[ANN], [ANN, BLOCKED_BOB]]):
        write(tmp_path / f"night{day}", night({**TWO_PEOPLE, "users": users}, day, asked=ASKED))
    return tmp_path


def audit(folder: Path, day: int, *options: str, store: str = "audits") -> Ran:
    return call(
        "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-o", f"out{day}", "-f", "json",
        "--store", store, *options, cwd=folder,
    )  # fmt: skip


def nights(folder: Path) -> list[str]:
    return [night["instant"] for night in json.loads(call("store", "list", "audits", "--json", cwd=folder).out)]


def test_snapshot_and_result_are_stored_after_the_audit(folder: Path) -> None:
    for day in (0, 1):
        completed = audit(folder, day)
        assert completed.code == day, completed.err
        assert completed.err.count(" stored, ") == 2
    assert nights(folder) == ["2026-01-29T02:17:00Z", "2026-01-30T02:17:00Z"]
    history = json.loads(call("history", "audits", "-f", "json", cwd=folder).out)["tenants"][0]
    assert (history["nights"], history["results"]) == (2, 2)
    repeated = audit(folder, 1, "-q")
    assert (repeated.code, repeated.err) == (1, ""), "storing the same night again is not an error"
    assert call("store", "put", "audits", "out1/result.json", cwd=folder).err.count("already stored") == 1


def test_fail_on_new_compares_with_the_stored_night(folder: Path) -> None:
    fail_on_new = ("--fail-on", "new:info")
    assert audit(folder, 1, *fail_on_new, store="other").code == 1, "without an earlier night all findings are new"
    assert audit(folder, 0, *fail_on_new).code == 0
    assert audit(folder, 1, *fail_on_new).code == 1
    assert audit(folder, 1, *fail_on_new).code == 1, "the same night is not an earlier one"
    assert audit(folder, 1, "--fail-on", "new:critical").code == 0
    later = ("audit", "p.yaml", "--snapshot", "night1", "--as-of", instant(2), "-f", "json", "-q")
    assert call(*later, "--store", "audits", *fail_on_new, cwd=folder).code == 0, "unchanged findings do not fail"
    assert call(*later, "--compare", "out1/result.json", *fail_on_new, cwd=folder).code == 0
    assert call(*later, "--compare", "out0/result.json", *fail_on_new, cwd=folder).code == 1
    assert call(*later, "--fail-on", "info", cwd=folder).code == 1


def test_changes_since_the_stored_night_equal_those_since_its_result(folder: Path) -> None:
    """Bob's two findings are new, then fixed, and reopened."""
    days: list[tuple[str | None, int]] = [(None, 0), ("new", 0), (None, 2), ("reopened", 0)]
    for day, (change, fixed) in enumerate(days):
        state = f"night{int(change is not None)}"
        options = ("audit", "p.yaml", "--snapshot", state, "--as-of", instant(day), "-f", "json", "-q")
        changes = []
        for output, location in (("stored", "--store=audits"), (f"out{day}", f"--compare=out{day - 1}/result.json")):
            completed = call(*options, *([location] if day or output == "stored" else []), "-o", output, cwd=folder)
            assert completed.code == int(change is not None), completed.err
            (tenant,) = json.loads((folder / output / "result.json").read_text())["tenants"]
            fixed_fingerprints = [finding["fingerprint"] for finding in tenant["fixed"]]
            changes.append((tenant["findings"], fixed_fingerprints, tenant["closed"]))
        assert changes[0] == changes[1]
        assert [finding["change"] for finding in changes[0][0]] == [change] * (2 * (change is not None))
        assert len(changes[0][1]) == fixed


def test_demo_tenants_are_stored(tmp_path: Path) -> None:
    expect(
        0, "audit", "--demo", "--as-of", "2026-11-20T02:17:00Z", "--tenant", "fabrikam", "-f", "json", "--fail-on",
        "never", "--store", "audits", cwd=tmp_path,
    )  # fmt: skip
    assert call("store", "check", "audits", cwd=tmp_path).code == 0
    assert nights(tmp_path) == ["2026-11-20T02:17:00Z"]


def test_night_read_from_a_store_is_not_stored_again(folder: Path) -> None:
    assert audit(folder, 0).code == 0
    options = ("--as-of", instant(0), "-f", "json", "--store", "audits")
    completed = expect(0, "audit", "p.yaml", "--snapshot", "audits", *options, cwd=folder)
    assert completed.err.count("already stored") == 2


def test_merged_result_of_stored_shards_is_already_stored(folder: Path) -> None:
    for name in ("contoso", "fabrikam"):
        snapshot = night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB]}, 2, asked=ASKED)
        write(folder / "night2", replace(snapshot, manifest=replace(snapshot.manifest, tenant=name)))
    for number in (1, 2):
        assert audit(folder, 2, "--shard", f"{number}/2", "-o", f"part{number}").code in {0, 1}
    expect(0, "report", "part1/result.json", "part2/result.json", "-o", "whole", "-f", "json", cwd=folder)
    put = call("store", "put", "audits", "whole/result.json", cwd=folder)
    assert (put.code, put.err.count("already stored")) == (0, 2), put.err
    repeated = audit(folder, 2)
    assert (repeated.code, repeated.err.count("already stored")) == (1, 4), repeated.err
    (folder / "p.yaml").write_text(BLOCKED_POLICY.replace("high", "critical"))
    changed = audit(folder, 2)
    assert (changed.code, changed.err.count("store-exists")) == (3, 2), changed.err


def test_reports_are_written_if_the_store_rejects_the_result(folder: Path) -> None:
    assert audit(folder, 1).code == 1
    earlier = audit(folder, 0)
    assert earlier.code == 3
    assert "store-order" in earlier.err, "the result is earlier than the stored one"
    assert (folder / "out0" / "result.json").is_file()
    assert nights(folder) == ["2026-01-29T02:17:00Z", "2026-01-30T02:17:00Z"], "the snapshot itself is stored"


def test_snapshot_is_stored_in_a_store_with_missing_findings(folder: Path) -> None:
    assert audit(folder, 0).code == 0
    for part in (folder / "audits" / "contoso" / "findings").iterdir():
        part.unlink()
    completed = audit(folder, 1)
    assert (completed.code, "store-damaged" in completed.err) == (3, True)
    assert (folder / "out1" / "result.json").is_file()
    assert len(nights(folder)) == 2


@pytest.mark.parametrize("version", ["later", "foreign"])
def test_unusable_store_is_an_error_before_the_audit(version: str, folder: Path) -> None:
    assert audit(folder, 0).code == 0
    path = folder / "audits" / "store.json"
    path.write_text(path.read_text().replace("store/v1", "store/v9") if version == "later" else "{}")
    completed = audit(folder, 1)
    assert completed.code == 2
    assert completed.err.count("error") == 1
    assert not (folder / "out1").exists()


@pytest.mark.parametrize("history", [(), ("--history", "s3://audits/nights")])
def test_reports_are_written_if_the_store_is_unreachable(folder: Path, history: tuple[str, ...]) -> None:
    with (folder / "p.yaml").open("a") as policies:
        policies.write(
            "- {id: ends, severity: low, subscriptions: {of: paid, expiring: {within: 60d, exceptTerm: monthly}}}\n"
        )
    address = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    options = ("--snapshot", "night1", "--as-of", instant(1), "-f", "json", "--store", "s3://audits/nights")
    completed = call("audit", "p.yaml", *options, *history, cwd=folder, AWS_ENDPOINT_URL=address, **environ)
    assert (completed.code, "error[store-unreachable]" in completed.err) == (3, True), completed.err
    assert (folder / "out" / "result.json").is_file()


def test_redact_and_store_exclude_each_other(folder: Path) -> None:
    completed = audit(folder, 0, "--redact")
    assert (completed.code, "--redact" in completed.err) == (2, True)
    assert not (folder / "audits").exists()


def test_live_tenants_are_stored_and_snapshots_kept_if_the_store_fails(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(BLOCKED_POLICY)
    with running_emulator() as emulator:
        (tmp_path / "tenants.yaml").write_text(tenants_file(emulator))
        environ = {**emulator.environment(), "PATH": os.environ["PATH"], "EMULATOR_CLIENT_SECRET": SECRET}
        expect(0, "collect", "-q", "--store", "audits", cwd=tmp_path, **environ)
        before = nights(tmp_path)
        # A minute after the stored night, whatever the clock says: two snapshots of one second are an error.
        later = datetime.fromisoformat(before[0]) + timedelta(minutes=1)
        expect(
            0, "audit", "-f", "json", "-q", "--fail-on", "never", "--store", "audits", cwd=tmp_path,
            **environ, SOURCE_DATE_EPOCH=str(int(later.timestamp())),
        )  # fmt: skip
        assert set(before) < set(nights(tmp_path))
        assert json.loads(call("history", "audits", "-f", "json", cwd=tmp_path).out)["tenants"][0]["results"] == 1
        shutil.rmtree(tmp_path / "audits")
        (tmp_path / "audits").write_text("a file, not a folder")
        failed = expect(3, "collect", "-q", "--store", "audits", "-o", "again", cwd=tmp_path, **environ)
        assert failed.err.count("error[") == 1
        assert list((tmp_path / "again").rglob("manifest.json"))
