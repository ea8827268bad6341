"""Translated actions keep the non-breaking space between amount and currency."""

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.report.localization import localized_result
from auditor.catalogue import builtin
from auditor.demo import policies, snapshots
from auditor.policy.loader import load
from tests.builders.result.actions import with_actions
from tests.builders.tenant.tenants import NOW


@pytest.mark.slow
def test_amount_in_a_translated_title_has_a_non_breaking_space() -> None:
    policy_set = load(policies(NOW)).policies
    german = localized_result(with_actions(audit(snapshots(NOW), policy_set, builtin(), NOW), policy_set), "de")
    titles = [action.title for tenant in german.tenants for action in tenant.actions if action.kind == "budget"]
    assert titles
    assert all("\xa0€" in title and "\\x" not in title for title in titles)
