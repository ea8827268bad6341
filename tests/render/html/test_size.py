"""Tests that report.html of realistic audits is small enough to be mailed and opened quickly."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.app.audit.run import Request
from auditor.app.report.localization import localized_result
from auditor.domain.result.model import Result
from auditor.render import render
from benchmarks.tenant import AS_OF, write_tenant
from tests.builders.result.audits import run
from tests.localization.catalogue_messages import LANGUAGES

pytestmark = pytest.mark.slow
MAX_BYTES = 610_000
"""Maximum size of a page in bytes. The demo's page has all kinds of findings and as much guidance as any page."""
POLICIES = Path(__file__).parents[3] / "policies"


def size(of: Result, locale: str) -> int:
    return sum(map(len, render(localized_result(of, locale), "html", locale=locale)))


@pytest.fixture(scope="module")
def demo() -> Result:
    as_of = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
    return run(Request(demo=True, as_of=as_of))


@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
def test_report_of_the_demo_is_below_the_size_limit(demo: Result, locale: str) -> None:
    assert size(demo, locale) < MAX_BYTES


def test_report_of_a_thousand_different_users_is_below_the_size_limit(tmp_path: Path) -> None:
    snapshot = write_tenant(tmp_path, 1000)
    audit = run(Request(policies=(POLICIES,), snapshots=(snapshot,), as_of=AS_OF))
    (tenant,) = audit.tenants
    assert len(tenant.findings) > 900
    assert len(tenant.actions) > 80
    assert size(audit, "en") < MAX_BYTES
