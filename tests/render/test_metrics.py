"""Tests the metrics with Prometheus' own parsers: known values have samples, unknown ones and people do not."""

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
from auditor.domain.result.verification import FreedSeats, MoneyVerdict, TenantVerification
from auditor.result.aggregate import money
from auditor.result.seats import paid_seats
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import compared, result

open_metrics: Callable[[str], Any] = openmetrics_parser.text_string_to_metric_families
prometheus_text: Callable[[str], Any] = parser.text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def text(sample_value: Result) -> str:
    return rendered_text(sample_value, "openmetrics", locale="nl")


def samples(families: Any) -> Samples:
    parsed: Iterable[Metric] = families
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parsed
        for sample in family.samples
    }


def samples_of(sample_value: Result) -> Samples:
    return samples(open_metrics(text(sample_value)))


def sample_value(values: Samples, metric: str, **labels: str) -> float | None:
    return values.get((metric, tuple(sorted(labels.items()))))


def test_samples_equal_the_numbers_of_the_result() -> None:
    audit = compared()
    values, (contoso, _) = samples_of(audit), audit.tenants
    for severity in Severity:
        expected = sum(finding.status is Status.OPEN and finding.severity is severity for finding in contoso.findings)
        assert sample_value(values, "auditor_findings", tenant="contoso", severity=severity) == expected
        checks = {labels: value for (name, labels), value in values.items() if name == "auditor_findings_by_check"}
        parts = [
            value for labels, value in checks.items() if {("tenant", "contoso"), ("severity", severity)} <= set(labels)
        ]
        assert sum(parts) == expected
    for seats in paid_seats(contoso.seats):
        labels = {"tenant": "contoso", "product": seats.sku_part_number, "sku": seats.sku_id}
        assert sample_value(values, "auditor_seats_bought", **labels) == seats.enabled
        assert sample_value(values, "auditor_seats_assigned", **labels) == seats.consumed
        assert sample_value(values, "auditor_seats_spare", **labels) == seats.spare
    for currency, amount in money(contoso).items():
        assert sample_value(values, "auditor_findings_cost", tenant="contoso", currency=currency) == pytest.approx(
            float(amount), abs=0.005
        )
    assert sample_value(values, "auditor_complete", tenant="contoso") == 0
    assert sample_value(values, "auditor_complete", tenant="fabrikam") == 1
    assert sample_value(values, "auditor_policies", tenant="contoso", outcome="not-evaluated")
    assert sample_value(values, "auditor_audit_timestamp_seconds") == audit.run.as_of.timestamp()
    assert sample_value(values, "auditor_findings_changed", tenant="contoso", change="new")


def test_prometheus_text_parser_reads_the_same_samples() -> None:
    exposition = text(result())
    assert samples(prometheus_text(exposition)) == samples(open_metrics(exposition))
    # The textfile collector of the node exporter rejects samples with timestamps.
    assert not [
        line for line in exposition.splitlines() if not line.startswith("#") and len(line.rsplit("}")[-1].split()) > 2
    ]


def test_unknown_values_have_no_sample() -> None:
    audit = result()
    contoso, fabrikam = audit.tenants
    unknown = replace(contoso.seats[0], enabled=None, consumed=None, spare=None)
    failed = replace(fabrikam, failure=Message("no"), complete=False)
    values = samples_of(replace(audit, tenants=(replace(contoso, seats=(unknown,)), failed)))
    assert not [name for name, _ in values if name.startswith("auditor_seats_")]
    assert {name for name, labels in values if ("tenant", "fabrikam") in labels} == {"auditor_complete"}
    assert sample_value(values, "auditor_complete", tenant="fabrikam") == 0
    assert not [name for name, _ in values if name == "auditor_findings_changed"], "there is no previous run"


def test_plan_metrics_have_planned_and_actual_values() -> None:
    audit = result()
    contoso, fabrikam = audit.tenants
    amounts = (MoneyVerdict(currency="EUR", planned=Decimal("100.50"), actual=Decimal("20.1")),)
    progress = TenantVerification(
        planned_at=datetime(2026, 11, 1, tzinfo=UTC), actions=(), findings=(), freed=FreedSeats(planned=9, actual=2, money=amounts)
    )  # fmt: skip
    values = samples_of(replace(audit, tenants=(replace(contoso, verification=progress), fabrikam)))
    assert sample_value(values, "auditor_plan_seats_freed", tenant="contoso", state="planned") == 9
    assert sample_value(values, "auditor_plan_amount", tenant="contoso", currency="EUR", state="actual") == 20.1
    assert sample_value(values, "auditor_plan_actions", tenant="contoso", verdict="done") == 0
    assert sample_value(values, "auditor_plan_actions", tenant="fabrikam", verdict="done") is None


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_stay_within_their_label(hostile: str) -> None:
    audit = holding(hostile)
    exposition = text(audit)
    assert all(re.match(r"# (HELP|TYPE) auditor_|# EOF$|auditor_", line) for line in exposition.splitlines())
    assert samples(open_metrics(exposition)) == samples(prometheus_text(exposition))
    assert "Anouk" not in exposition
    lines = [line for line in exposition.splitlines() if not line.startswith("#")]
    assert len(samples(open_metrics(exposition))) == len(lines), "no name adds or hides a sample"
    assert max(map(len, lines)) < 2_000
