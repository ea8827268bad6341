"""Tests the cells of the tables of trends."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.trends import PolicyTrend
from auditor.render.history.labels import is_changed, policy_row
from auditor.render.text.labels import Labels

POLICY = PolicyTrend(
    policy="one-suite", title=None, severity=Severity.MEDIUM, instants=(datetime(2026, 11, 20, tzinfo=UTC),),
    open=(2,), waived=(0,), opened=0, closed=0, ages=(2, 0, 0, 0), repaired=0, repair_days=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("title", "name"),
    [("Nobody has two suites", "Ingen har två paket"), ("Our own title", "Our own title"), (None, "one-suite")],
)
def test_policy_has_its_translated_title_or_its_id(title: str | None, name: str) -> None:
    assert policy_row(replace(POLICY, title=title), Labels("sv"))[:2] == (name, "2")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, False),
        ({"open": (2, 3)}, True),
        ({"waived": (0, 1)}, True),
        ({"opened": 1, "closed": 1}, True),  # another finding instead of a fixed one
    ],
)
def test_policy_is_changed_if_findings_or_waivers_changed(changed: dict[str, Any], expected: object) -> None:
    assert is_changed(replace(POLICY, **changed)) is expected
