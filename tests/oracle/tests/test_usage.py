"""Oracle and engine agree with the specification of selectors by usage."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.oracle.adapter import agreed_verdict
from tests.oracle.cases import members, user
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.usage import SERVICES, by_use

pytestmark = pytest.mark.slow
READ = {"refreshDate": "2026-11-18", "missing": []}
REPORTS = dict.fromkeys(("usage", "copilotUsage", "appUsage", "mailboxUsage"), READ)


def membership(selector: dict[str, Any], **rows: Any) -> bool | None:
    """Whether a person with these report rows is in the population; None = unknown."""
    found = members(json.dumps(selector), user(**rows), reports=REPORTS)
    return {"ann": True, "": False, "?": None}[found]


def inactive(services: Any, limit: str = "90d") -> dict[str, Any]:
    return {"inactiveIn": {"services": services, "for": limit}}


def test_inactive_in() -> None:
    # Inactive for more than that many whole days before the report's refresh date, in every named service.
    assert membership(inactive(["teams"]), lastActivity={"teams": "2026-08-20"}) is False
    assert membership(inactive(["teams"]), lastActivity={"teams": "2026-08-19"}) is True
    assert membership(inactive(["teams", "exchange"]), lastActivity={"teams": None, "exchange": "2026-11-01"}) is False
    assert membership(inactive("*"), lastActivity={"skype": "2026-11-18"}) is True
    assert membership(inactive("*"), lastActivity=dict.fromkeys(SERVICES)) is True
    assert membership(inactive("*")) is None
    assert membership(inactive(["copilot"], "30d"), copilot="2026-10-19") is False
    assert membership(inactive(["copilot"], "30d"), copilot="2026-10-18") is True
    assert membership(inactive(["copilot"], "30d"), lastActivity={}) is None


def test_apps_unused_mailbox_usage_and_agent() -> None:
    used = {"90d": {"word": ["web"]}}
    assert membership({"appsUnused": {"for": "90d"}}, apps=used) is False
    assert membership({"appsUnused": {"for": "90d", "on": ["windows", "mac"]}}, apps=used) is True
    assert membership({"appsUnused": {"for": "90d", "apps": ["excel"]}}, apps=used) is True
    assert membership({"appsUnused": {"for": "30d"}}, apps=used) is None
    assert membership({"mailboxUsage": {"largerThan": "1.5kB"}}, mailbox={"size": 1536}) is False
    assert membership({"mailboxUsage": {"largerThan": "1.5kB"}}, mailbox={"size": 1537}) is True
    assert membership({"mailboxUsage": {"largerThan": "1kB", "archive": True}}, mailbox={"size": 9999}) is None
    assert membership({"mailboxUsage": {"largerThan": "1kB", "archive": True}}, mailbox={"size": 9}) is False
    assert (membership({"agent": True}), membership({"agent": False}), membership({"agent": True}, agent=True)) == (
        False,
        True,
        True,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    scenario=scenarios(blocks=("assignments",)),
    selectors=st.lists(by_use(), min_size=1, max_size=4),
    negated=st.booleans(),
)
def test_populations_by_usage_agree_with_the_oracle(
    scenario: Scenario, selectors: list[dict[str, Any]], *, negated: bool
) -> None:
    blocks: list[dict[str, Any]] = [{"assignments": {"allow": []}}, {"assignments": {"require": ["SPE_F1"]}}]
    policies = [
        {"id": f"p{number}", "severity": "low", "users": {"not": selector} if negated else selector, **block}
        for number, (selector, block) in enumerate((selector, block) for selector in selectors for block in blocks)
    ]
    agreed_verdict(replace(scenario, documents=[{"version": 1, "policies": policies}]), rows=3)
