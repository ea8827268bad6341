"""Tests that snapshots are written atomically, and that row groups do not affect the findings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.errors import SnapshotError
from auditor.policy.loader import load
from auditor.snapshot.from_graph import instant
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from auditor.snapshot.writer import SnapshotWriter, folder_name, write
from tests.builders.result.rendered import rendered_bytes
from tests.builders.tenant.tenants import NOW, bought, path, policy_file, tenant, user

BLOCKS = [
    "assignments: {of: paid, allow: [SPE_E3], require: [SPE_F1], redundant: deny, via: group, duplicates: deny}",
    "assignments: {services: {deny: [TEAMS1]}, exclusive: [[SPE_E3, SPE_E5]]}",
    "attributes: {require: [city]}",
    "health: {errors: deny}",
    "seats: {of: '*', pool: true, assigned: {max: 1}}",
]


def fifty_users(rows: int) -> Snapshot:
    people = [
        user(
            f"u{number:03}",
            *["SPE_E3", "SPE_E5", "EXCHANGEENTERPRISE"][: number % 4],
            paths=[path("SPE_E3"), path("SPE_E3", "g", error="Other")] if number % 5 == 0 else None,
            city="Oslo" if number % 3 else None,
        )
        for number in range(50)
    ]
    return tenant(*people, subscribedSkus=[bought("SPE_E3"), bought("SPE_E5"), bought("EXCHANGEENTERPRISE")], rows=rows)


def result_of(snapshot: Snapshot, block: str) -> bytes:
    loaded = load([("p.yaml", f"version: 1\n{policy_file(block)}".encode())])
    result = audit([replace(snapshot, identity="same")], loaded.policies, builtin(), NOW)
    assert result.tenants[0].findings
    return rendered_bytes(result, "json")


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_findings_do_not_depend_on_the_batch_size(block: str, tmp_path: Path) -> None:
    expected = result_of(fifty_users(1 << 30), block)
    for rows in (1, 7, 49, 50):
        assert result_of(fifty_users(rows), block) == expected, rows
    saved = read(write(tmp_path, fifty_users(7)))
    assert len(list(saved.batches())) == 8
    assert result_of(saved, block) == expected


@pytest.mark.slow
def test_written_files_are_reproducible(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", fifty_users(7)), write(tmp_path / "b", fifty_users(7))
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {p.name: p.read_bytes() for p in second.iterdir()}


def test_tenant_without_users_is_written(tmp_path: Path) -> None:
    snapshot = read(write(tmp_path, tenant()))
    assert snapshot.user_count == 0
    assert sum(batch.users.num_rows for batch in snapshot.batches()) == 0


def test_tenant_without_users_has_every_requested_column(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, "contoso", "now") as writer:
        folder = writer.commit(tenant(asked=["agent"]).manifest)
    (batch,) = read(folder).batches()
    assert (batch.users.num_rows, "agent" in batch.users.schema.names) == (0, True)


def test_nothing_is_visible_before_commit(tmp_path: Path) -> None:
    def interrupted() -> None:
        (batch,) = fifty_users(1 << 30).batches()
        with SnapshotWriter(tmp_path, "contoso", "now") as writer:
            writer.write_users(batch.users, batch.assignments)
            assert not list(tmp_path.rglob("*"))  # a few users are buffered in memory
            writer.write_users(batch.users, batch.assignments)
            assert [path.name[0] for path in (tmp_path / "contoso").iterdir()] == ["."]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert list((tmp_path / "contoso").iterdir()) == []


def test_existing_snapshot_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, fifty_users(7))
    with pytest.raises(SnapshotError) as caught:
        write(tmp_path, fifty_users(7))
    assert caught.value.slug == "snapshot-exists"


def test_folder_names_are_valid_on_every_system() -> None:
    manifest = fifty_users(7).manifest
    assert folder_name(manifest) == "2026-11-20T021700Z"
    assert (
        folder_name(replace(manifest, instant=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)))
        == "2026-01-02T030405.000678Z"
    )


@pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"])
def test_instants_that_mean_never_are_none(text: str | None) -> None:
    assert instant(text) is None


def test_instants_are_converted_to_utc() -> None:
    assert instant("2026-11-20T03:17:00+01:00") == instant("2026-11-20T02:17:00Z") == NOW
    assert instant("2026-11-20T02:17:00.1234567Z") == NOW.replace(microsecond=123456)
