"""`auditor plan --as-of` with a store of several nights uses the latest night at that instant."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.plan.run import store_plan
from auditor.domain.errors import DeliveryError
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from auditor.store.objects.backends import FolderBackend
from auditor.store.plans import plan_names
from tests.builders.service.command_line import call
from tests.builders.tenant.plan_tenants import E3, fleet, grant, snapshot, user

RULES = "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]\n"


def night(day: int, *leavers: str) -> Snapshot:
    state = snapshot([user(name, grant(E3), accountEnabled=False) for name in leavers], {E3: 9})
    return replace(state, manifest=replace(state.manifest, instant=datetime(2026, 11, day, 2, tzinfo=UTC)))


@pytest.mark.slow
def test_plan_uses_the_stored_night_at_the_instant(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    for day, leavers in {18: ("ann",), 20: ("ann", "bo")}.items():
        write(tmp_path / f"n{day}", night(day, *leavers))
        assert call("store", "put", "-q", "nights", f"n{day}", cwd=tmp_path).code == 0
    counts = {}
    for instant in ("2026-11-18T12:00:00Z", "2026-11-20T12:00:00Z"):
        plan = ("plan", "--snapshot", "nights", "--as-of", instant, "-q", "-f", "json=-", "rules.yaml")
        completed = call(*plan, cwd=tmp_path)
        assert completed.code in {0, 3}, completed.err
        (tenant,) = json.loads(completed.out)["tenants"]
        counts[instant] = len(tenant["findings"])
    assert list(counts.values()) == [1, 2]
    early = call("plan", "--snapshot", "nights", "--as-of", "2026-11-17T12:00:00Z", "-q", "rules.yaml", cwd=tmp_path)
    assert (early.code, "no snapshot at or before 2026-11-17T12:00:00Z" in early.err) == (2, True), early.err


def test_stored_plan_is_kept_until_the_plan_that_replaces_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        fleet([night(20, *leavers)], RULES.removeprefix("version: 1\n")) for leavers in (("ann",), ("ann", "bo"))
    )
    assert first.as_of == second.as_of
    store_plan(tmp_path, first)
    (name,) = plan_names(FolderBackend(tmp_path), "contoso")
    body = (tmp_path / name).read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(DeliveryError, match="No space left"):
            store_plan(tmp_path, second)
    assert (tmp_path / name).read_bytes() == body
    store_plan(tmp_path, second)
    assert plan_names(FolderBackend(tmp_path), "contoso") == (name,)
    assert (tmp_path / name).read_bytes() != body
    assert FolderBackend(tmp_path).temporary() == {}
