"""report.html of real audits: small enough to be mailed and opened at once."""

from datetime import UTC, datetime

import pytest

from auditor.app.localising import localised
from auditor.app.running import Request, run
from auditor.domain.result import Result
from auditor.render import render
from auditor.wording import languages

MOST = 400_000
"""Bytes of a page that tells a thousand findings, and of the demo's."""


def size(of: Result, locale: str) -> int:
    return sum(map(len, render(localised(of, locale), "html", locale=locale).chunks()))


@pytest.fixture(scope="module")
def demo() -> Result:
    moment = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
    return run(Request(demo=True, as_of=moment, started=moment))


@pytest.mark.parametrize("locale", languages())
def test_the_demo_s_page_is_small(demo: Result, locale: str) -> None:
    assert size(demo, locale) < MOST
