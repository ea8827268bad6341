"""Tests the cells of the tables of trends."""

from datetime import UTC, datetime

import pytest

from auditor.domain.enums import Severity
from auditor.domain.trends import PolicyTrend
from auditor.render.history.labels import policy_row
from auditor.render.text.labels import Labels


@pytest.mark.parametrize(
    ("title", "name"),
    [("Nobody has two suites", "Ingen har två paket"), ("Our own title", "Our own title"), (None, "one-suite")],
)
def test_policy_has_its_translated_title_or_its_id(title: str | None, name: str) -> None:
    policy = PolicyTrend(
        policy="one-suite", title=title, severity=Severity.MEDIUM, instants=(datetime(2026, 11, 20, tzinfo=UTC),),
        open=(2,), waived=(0,), opened=0, closed=0, ages=(2, 0, 0, 0), repaired=0, repair_days=None,
    )  # fmt: skip
    assert policy_row(policy, Labels("sv"))[:2] == (name, "2")
