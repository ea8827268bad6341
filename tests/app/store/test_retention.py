"""Retention decides with few reads which nights and results of a store are deleted."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.store.nights import apply_retention, keep
from auditor.domain.enums import SourceStatus
from auditor.snapshot.writer import write
from auditor.store.objects.backends import FolderBackend
from auditor.store.retention import parse_keep, prune
from auditor.store.store import Store
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.tenants import audited, policy_file, tenant, user
from tests.builders.tenant.two_people import TWO_PEOPLE

RESULTS = 40


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The results of forty days."""
    result = audited(policy_file("assignments: {deny: [SPE_E3]}"), tenant(user("ann", "SPE_E3")))
    for day in range(RESULTS):
        run = replace(result.run, as_of=START + timedelta(days=day), id=f"run-{day}")
        outcomes = list(keep(tmp_path / "audits", [], replace(result, run=run)))
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    return tmp_path / "audits"


def test_each_result_is_read_about_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    read = FolderBackend.read

    def counted(backend: FolderBackend, name: str) -> bytes | None:
        reads[name] += "/results/" in name
        return read(backend, name)

    monkeypatch.setattr(FolderBackend, "read", counted)
    (retention,) = apply_retention(store, "5d", START + timedelta(days=RESULTS), delete=True)
    assert len(retention.results) > 20
    assert len(reads) >= RESULTS
    # Ten show how often results are stored; a second time, those are read whose findings are kept.
    assert sum(reads.values()) <= RESULTS + 10 + (RESULTS - len(retention.results))


@pytest.mark.parametrize(
    ("complete", "kept"),
    [
        ("cccc", ["2026-01-29", "2026-02-01", "2026-02-28"]),
        ("icic", ["2026-01-30", "2026-02-28"]),
        ("iiii", ["2026-01-29", "2026-02-01", "2026-02-28"]),
    ],
)
def test_first_complete_night_represents_its_month(complete: str, kept: list[str], tmp_path: Path) -> None:
    days = ("2026-01-29", "2026-01-30", "2026-02-01", "2026-02-28")
    store = Store(FolderBackend(tmp_path / "store")).create()
    nights = []
    for day, state in zip(days, complete, strict=True):
        snapshot = night(TWO_PEOPLE, (datetime.fromisoformat(f"{day}T00:00Z").date() - START.date()).days)
        manifest = snapshot.manifest
        if state == "i":
            sources = (replace(manifest.sources[0], status=SourceStatus.DENIED), *manifest.sources[1:])
            manifest = replace(manifest, sources=sources)
        stored, _ = store.put(write(tmp_path / "snapshots", replace(snapshot, manifest=manifest)))
        nights.append(stored)
    pruning = prune(nights, parse_keep("24m"), nights[-1].instant)
    assert [night.instant.date().isoformat() for night in pruning.kept] == kept
