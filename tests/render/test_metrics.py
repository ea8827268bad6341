"""The metrics as Prometheus' own library reads them: what is known has a sample, what is not has none, and no person is in it."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser

from auditor.domain.enums import Severity, Status
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.result.verification import Freed, MoneyVerdict, TenantVerification
from auditor.history import compare
from auditor.render import render
from auditor.result.aggregate import money
from auditor.result.seats import paid_seats
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import night_before, result

open_metrics: Callable[[str], Any] = openmetrics_parser.text_string_to_metric_families
prometheus_text: Callable[[str], Any] = parser.text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def text(of: Result) -> str:
    return b"".join(render(of, "openmetrics", locale="nl").chunks()).decode()


def samples(families: Any) -> Samples:
    found: Iterable[Metric] = families
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in found
        for sample in family.samples
    }


def read(of: Result) -> Samples:
    return samples(open_metrics(text(of)))


def of(found: Samples, metric: str, **labels: str) -> float | None:
    return found.get((metric, tuple(sorted(labels.items()))))


def test_the_numbers_are_those_of_the_result() -> None:
    whole = compare(result(), night_before())
    found, (contoso, _) = read(whole), whole.tenants
    for severity in Severity:
        expected = sum(each.status is Status.OPEN and each.severity is severity for each in contoso.findings)
        assert of(found, "auditor_findings", tenant="contoso", severity=severity) == expected
        checks = {labels: value for (name, labels), value in found.items() if name == "auditor_findings_by_check"}
        parts = [
            value for labels, value in checks.items() if {("tenant", "contoso"), ("severity", severity)} <= set(labels)
        ]
        assert sum(parts) == expected
    for seats in paid_seats(contoso.seats):
        labels = {"tenant": "contoso", "product": seats.sku_part_number, "sku": seats.sku_id}
        assert of(found, "auditor_seats_bought", **labels) == seats.enabled
        assert of(found, "auditor_seats_assigned", **labels) == seats.consumed
        assert of(found, "auditor_seats_spare", **labels) == seats.spare
    for currency, amount in money(contoso).items():
        assert of(found, "auditor_findings_cost", tenant="contoso", currency=currency) == pytest.approx(
            float(amount), abs=0.005
        )
    assert of(found, "auditor_complete", tenant="contoso") == 0
    assert of(found, "auditor_complete", tenant="fabrikam") == 1
    assert of(found, "auditor_policies", tenant="contoso", outcome="not-evaluated")
    assert of(found, "auditor_audit_timestamp_seconds") == whole.run.as_of.timestamp()
    assert of(found, "auditor_findings_changed", tenant="contoso", change="new")


def test_node_exporter_s_format_reads_the_same() -> None:
    written = text(result())
    assert samples(prometheus_text(written)) == samples(open_metrics(written))
    # The textfile collector refuses timestamps of its own.
    assert not [
        line for line in written.splitlines() if not line.startswith("#") and len(line.rsplit("}")[-1].split()) > 2
    ]


def test_what_is_not_known_has_no_sample() -> None:
    whole = result()
    there, other = whole.tenants
    unknown = replace(there.seats[0], enabled=None, consumed=None, spare=None)
    failed = replace(other, failure=Message("no"), complete=False)
    found = read(replace(whole, tenants=(replace(there, seats=(unknown,)), failed)))
    assert not [name for name, _ in found if name.startswith("auditor_seats_")]
    assert {name for name, labels in found if ("tenant", "fabrikam") in labels} == {"auditor_complete"}
    assert of(found, "auditor_complete", tenant="fabrikam") == 0
    assert not [name for name, _ in found if name == "auditor_findings_changed"], "there is no previous run"


def test_the_progress_of_a_plan() -> None:
    whole = result()
    there, other = whole.tenants
    amounts = (MoneyVerdict(currency="EUR", planned=Decimal("100.50"), actual=Decimal("20.1")),)
    planned = TenantVerification(
        planned_at=datetime(2026, 11, 1, tzinfo=UTC), actions=(), findings=(), freed=Freed(planned=9, actual=2, money=amounts)
    )  # fmt: skip
    found = read(replace(whole, tenants=(replace(there, verification=planned), other)))
    assert of(found, "auditor_plan_seats_freed", tenant="contoso", state="planned") == 9
    assert of(found, "auditor_plan_amount", tenant="contoso", currency="EUR", state="actual") == 20.1
    assert of(found, "auditor_plan_actions", tenant="contoso", verdict="done") == 0
    assert of(found, "auditor_plan_actions", tenant="fabrikam", verdict="done") is None


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_in_their_label(hostile: str) -> None:
    whole = holding(hostile)
    written = text(whole)
    assert all(re.match(r"# (HELP|TYPE) auditor_|# EOF$|auditor_", line) for line in written.splitlines())
    assert samples(open_metrics(written)) == samples(prometheus_text(written))
    assert "Anouk" not in written
    lines = [line for line in written.splitlines() if not line.startswith("#")]
    assert len(samples(open_metrics(written))) == len(lines), "no name adds or hides a sample"
    assert max(map(len, lines)) < 2_000
