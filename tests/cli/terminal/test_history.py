"""The trends of a tenant in the terminal: what changed, and how many other products and policies there are."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from auditor.cli.terminal.history import show
from auditor.domain.enums import Severity
from auditor.domain.trends import PolicyTrend, Trends
from auditor.render.text.labels import Labels

FIRST, LAST = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
POLICY = PolicyTrend(
    policy="p", title=None, severity=Severity.MEDIUM, instants=(FIRST, LAST), open=(1, 1), waived=(0, 0),
    opened=0, closed=0, ages=(1, 0, 0, 0), repaired=0, repair_days=None,
)  # fmt: skip


def trends_of(*policies: PolicyTrend) -> Trends:
    return Trends(
        tenant="contoso", nights=2, results=2, since=FIRST, until=LAST, seats=(), policies=policies, people=(), open=(),
        money={},
    )  # fmt: skip


def test_unchanged_policies_beyond_the_first_ones_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    unchanged = [replace(POLICY, policy=f"same-{number:02}", open=(number, number)) for number in range(1, 41)]
    fixed = replace(POLICY, policy="fixed", open=(3, 0), closed=3)
    never = replace(POLICY, policy="never", open=(0, 0), ages=(0, 0, 0, 0))
    show([trends_of(*unchanged, fixed, never)], (), Labels("en"))
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines() if "same-" in line] == [
        f"same-{number}" for number in range(40, 30, -1)
    ]
    assert "fixed" in text
    assert "30 unchanged policies, 1 policy without a finding (--all)" in text
    show([trends_of(*unchanged, fixed, never)], (), Labels("en"), everything=True)
    text = capsys.readouterr().out
    assert text.count("same-") == 40
    assert "never" in text
