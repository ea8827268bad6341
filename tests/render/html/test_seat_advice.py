"""What the table of seats advises about products whose findings actions about people resolve."""

from datetime import UTC, datetime

import pytest

from auditor.app.audit.run import Request
from auditor.render import render
from tests.builders.result.audits import run

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


@pytest.mark.slow
def test_a_product_whose_missing_seats_another_action_frees_has_advice() -> None:
    result = run(Request(demo=True, as_of=AS_OF, started=AS_OF))
    summary = b"".join(render(result, "markdown", locale="en").chunks()).decode()
    (row,) = [line for line in summary.splitlines() if line.startswith("| Visio Plan 2 |")]
    assert row.endswith("| over-assigned; other actions resolve this |")
    (bought,) = [line for line in summary.splitlines() if line.startswith("| Microsoft 365 F3 | 213")]
    assert "; buy " in bought
