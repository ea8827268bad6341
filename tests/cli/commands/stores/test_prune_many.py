"""`auditor store prune` of more than ten tenants prints how many nights of each day are deleted, and sums."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call, expect
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import TWO_PEOPLE

TENANTS = [f"tenant{number:02}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of twelve tenants; the first night of one is from another day."""
    folder = tmp_path_factory.mktemp("many")
    for name in TENANTS:
        for day in (0, 1):
            state = night(TWO_PEOPLE, day, asked=("id",))
            late = timedelta(days=-1 if name == "tenant03" and day == 0 else 0)
            manifest = replace(state.manifest, tenant=name, tenant_id=name, instant=state.manifest.instant + late)
            write(folder / "snapshots", replace(state, manifest=manifest))
    expect(0, "store", "put", "audits", "snapshots", cwd=folder)
    return folder


def prune(workspace: Path, *options: str) -> Ran:
    return call("store", "prune", "audits", "--keep", "1d", "--as-of", "2026-02-03", *options, cwd=workspace)


def test_nights_of_many_tenants_are_counted_by_day(workspace: Path) -> None:
    for name in ("tenant05", "tenant09"):
        temporary = workspace / "audits" / name / "parts" / ".2026-01-29T021700Z-1.zip"
        temporary.write_bytes(b"")
        os.utime(temporary, (0, 0))
    listed = prune(workspace)
    assert listed.text.splitlines() == [
        "would be deleted: 1 night of 2026-01-28",
        "would be deleted: 11 nights of 2026-01-29",
    ]
    assert "12 tenants: nights kept: 12; would be deleted: 12; would be freed: " in listed.err
    assert "  tenant05, tenant09: 1 temporary file of an interrupted write would be deleted" in listed.err
    assert "tenant01" not in listed.err
    assert "add --delete" in listed.err
    assert prune(workspace, "--quiet").err == ""
    few = prune(workspace, "--tenant", "tenant03", "--tenant", "tenant04")
    assert few.text.count("would be deleted: tenant0") == 2
    assert "tenant03: nights kept: 1" in few.err
    deleted = prune(workspace, "--delete", "--locale", "de")
    assert deleted.text.splitlines()[1] == "gelöscht: 11 Nächte vom 2026-01-29"
    assert "12 Mandanten: " in deleted.err
