"""Tests summaries of results in a store: which are read, and what can be computed from them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.history.stored_runs import spare_seats
from auditor.findings.stats import monthly_cost
from auditor.history.finding_events import checked_summary
from auditor.history.logged_result import LoggedResult
from auditor.history.result_log import ResultLog, results_by_tenant
from auditor.store.objects.backends import FolderBackend
from auditor.store.objects.memory_backend import MemoryBackend
from auditor.store.store import Store
from tests.builders.result.results import AS_OF, result

POLICY: Mapping[str, Any] = {
    "id": "p", "severity": "high", "status": "fail", "open": 1, "waived": 0, "opened": 1, "closed": 0, "repair": {},
}  # fmt: skip
SEAT: Mapping[str, Any] = {"skuId": "a", "skuPartNumber": "SPE_E3", "usable": 5, "consumed": 3, "spare": 2}
SUMMARY: Mapping[str, Any] = {"open": {}, "waived": 0, "notEvaluated": 0, "money": {}, "seats": [], "policies": []}


@pytest.mark.parametrize("ages", [[1, 0, 0], [1, 0, 0, 0, 0]])
def test_summary_with_other_ages_than_the_outputs_list_is_refused(ages: list[int]) -> None:
    assert checked_summary({**SUMMARY, "policies": [{**POLICY, "ages": [1, 0, 0, 0]}]})
    with pytest.raises(ValueError, match="length"):
        checked_summary({**SUMMARY, "policies": [{**POLICY, "ages": ages}]})


def test_seat_without_a_part_number_counts_as_paid() -> None:
    unnamed = {**SEAT, "skuPartNumber": None, "spare": 7}
    entry = LoggedResult(
        number=1, as_of=AS_OF, run="r", events="", sha256="", size=0, checkpoint=True,
        summary=checked_summary({**SUMMARY, "seats": [SEAT, unnamed]}),
    )  # fmt: skip
    assert spare_seats([entry], frozenset()) == 9
    assert spare_seats([replace(entry, summary={**SUMMARY, "seats": []})], frozenset()) is None


def test_incomplete_findings_of_a_killed_writer_are_replaced(tmp_path: Path) -> None:
    (tenant, *_) = result().tenants
    whole, damaged = (Store(FolderBackend(tmp_path / name)).create().backend for name in ("whole", "damaged"))
    ResultLog(whole, tenant.name).put(result(), tenant, monthly_cost(tenant.findings))
    (name,) = whole.names(f"{tenant.name}/findings")
    assert damaged.create(name, b"half")
    ResultLog(damaged, tenant.name).put(result(), tenant, monthly_cost(tenant.findings))
    assert damaged.read(name) == whole.read(name)


class CountingBackend(MemoryBackend):
    """Records the names of the objects that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_names: list[str] = []

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        self.read_names += names
        return super().read_many(names)


def test_each_commit_is_read_once_however_many_results_are_stored_and_compared() -> None:
    backend, nights = CountingBackend(), 12
    runs = [replace(result().run, as_of=AS_OF + timedelta(hours=night), id=f"{night}") for night in range(nights)]
    results = [replace(result(), run=run) for run in reversed(runs)]
    ((name, of_tenant), *_) = results_by_tenant(results).items()
    log = ResultLog(backend, name)
    for night, tenant in of_tenant:
        assert log.put(night, tenant, tenant.findings.stats.money)
    assert [entry.as_of for entry in log.entries()] == [run.as_of for run in runs[:-1]]
    assert len(backend.read_names) == len({*backend.read_names}) < nights

    backend.read_names.clear()
    reader = ResultLog(backend, name)
    entries = reader.entries()
    assert len(entries) == nights
    assert reader.findings_at(entries[0])
    assert reader.findings_at(entries[-1]) == log.findings_at(entries[-1])
    commits = [read for read in backend.read_names if "/results/" in read]
    assert sorted(commits) == sorted({*commits})
