"""Tests summaries of results in a store: which are read, and what can be computed from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.history.stored_runs import spare_seats
from auditor.findings.stats import sums
from auditor.history.finding_events import checked_summary
from auditor.history.result_log import LoggedResult, ResultLog
from auditor.store.objects.backends import FolderBackend
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
    ResultLog(whole, tenant.name).put(result(), tenant, sums(tenant.findings))
    (name,) = whole.names(f"{tenant.name}/findings")
    assert damaged.create(name, b"half")
    ResultLog(damaged, tenant.name).put(result(), tenant, sums(tenant.findings))
    assert damaged.read(name) == whole.read(name)
