"""Actions in the reader's language: what a language writes with a space that does not break stays as it writes it."""

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.report.localization import localised
from auditor.catalogue import builtin
from auditor.demo import policies, snapshots
from auditor.policy.loader import load
from tests.builders.tenant.tenants import NOW


@pytest.mark.slow
def test_money_in_a_title_is_written_as_the_language_writes_it() -> None:
    known = load(policies(NOW)).policies
    localised_result = localised(remedied(audit(snapshots(NOW), known, builtin(), NOW), known), "de")
    titles = [
        action.title for tenant in localised_result.tenants for action in tenant.actions if action.kind == "budget"
    ]
    assert titles
    assert all("\xa0€" in title and "\\x" not in title for title in titles)
