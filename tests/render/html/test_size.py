"""report.html of real audits: small enough to be mailed and opened at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.app.audit.run import Request
from auditor.app.report.localization import localised
from auditor.domain.result.model import Result
from auditor.localization import languages
from auditor.render import render
from benchmarks.tenant import AS_OF, write_tenant
from tests.builders.result.audits import run

MOST = 610_000
"""Bytes of the demo's page: it has as many kinds of findings, and as much guidance, as a page has."""
POLICIES = Path(__file__).parents[3] / "policies"


def size(of: Result, locale: str) -> int:
    return sum(map(len, render(localised(of, locale), "html", locale=locale).chunks()))


@pytest.fixture(scope="module")
def demo() -> Result:
    moment = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
    return run(Request(demo=True, as_of=moment, started=moment))


@pytest.mark.slow
@pytest.mark.parametrize("locale", languages())
def test_the_demo_s_page_is_small(demo: Result, locale: str) -> None:
    assert size(demo, locale) < MOST


@pytest.mark.slow
def test_so_is_the_page_of_a_thousand_people_of_whom_no_two_hold_the_same(tmp_path: Path) -> None:
    snapshot = write_tenant(tmp_path, 1000)
    whole = run(Request(policies=(POLICIES,), snapshots=(snapshot,), as_of=AS_OF, started=AS_OF))
    (tenant,) = whole.tenants
    assert len(tenant.findings) > 900
    assert len(tenant.actions) > 250
    assert size(whole, "en") < MOST
