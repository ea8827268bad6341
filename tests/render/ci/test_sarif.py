"""SARIF of more findings than code scanning takes: the worst of them, found without holding all."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Severity, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.ci.sarif import LIMIT
from tests.builders.result.results import POLICIES, result

ONE = result().tenants[0].findings[0]


def sarif(of: Result) -> bytes:
    return b"".join(render(of, "sarif", locale="en").chunks())


def fleet(*parts: Sequence[Finding]) -> Result:
    """Return a result with a tenant for each of the lists, and with the last as the fleet's own findings."""
    whole = result()
    *own, shared = map(tuple, parts)
    tenants = tuple(
        replace(whole.tenants[0], name=f"t{index}", findings=FindingTable.of(findings), actions=())
        for index, findings in enumerate(own)
    )
    return replace(whole, tenants=tenants, fleet=replace(whole.fleet, findings=FindingTable.of(shared), actions=()))


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    """Draw findings of a few policies, each of one severity; which of them is told by its fingerprint."""
    kinds = st.tuples(st.integers(0, 4), st.sampled_from(Status))
    return [
        replace(
            ONE,
            policy=POLICIES[index].id,
            severity=tuple(Severity)[index],
            status=status,
            waiver="W-1" if status is Status.WAIVED else None,
            fingerprint=f"{draw(st.integers(0, 2**64)):032x}",
        )
        for index, status in draw(st.lists(kinds, max_size=9))
    ]


@st.composite
def fleets(draw: st.DrawFn) -> Result:
    tenants = draw(st.sampled_from([1, 2, 3, 24]))
    own = draw(st.lists(findings(), min_size=1, max_size=3))
    return fleet(*(own[index % len(own)] for index in range(tenants)), draw(findings()))


def kept(of: Result, most: int) -> list[tuple[Finding, ...]]:
    """Return what is written of each part by way of one list of everything."""
    parts = [*(tenant.findings for tenant in of.tenants), of.fleet.findings]
    everything = [(part, finding) for part, own in enumerate(parts) for finding in own]
    order = sorted(
        range(len(everything)),
        key=lambda row: (everything[row][1].status is not Status.OPEN, everything[row][1].severity.rank),
    )
    chosen = [everything[row] for row in sorted(order[:most])]
    return [tuple(finding for owner, finding in chosen if owner == part) for part in range(len(parts))]


def results(made: bytes) -> list[Any]:
    return [run["results"] for run in json.loads(made)["runs"]]


def listed(made: bytes) -> list[int]:
    """Return how many findings each run says it left out."""
    runs = json.loads(made)["runs"]
    notes = [[each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]] for run in runs]
    return [sum(int(text.split()[0]) for text in texts if "in the other reports" in text) for texts in notes]


@pytest.mark.slow
@given(fleets(), st.integers(0, 40))
def test_what_is_left_is_what_a_sorted_list_of_everything_would_leave(of: Result, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.render.ci.sarif.LIMIT", most)
        made = sarif(of)
    left = kept(of, most)
    assert results(made) == results(sarif(fleet(*left)))
    out = [len(own) - len(some) for own, some in zip(_lists(of), left, strict=True)]
    assert listed(made) == (out if len(out) <= 20 else [sum(out)])


def _lists(of: Result) -> Iterator[Sequence[Finding]]:
    yield from (tenant.findings for tenant in of.tenants)
    yield of.fleet.findings


def _many(severities: str) -> tuple[Finding, ...]:
    """Return a finding for each letter: critical, high, or low and waived."""
    kinds = {
        "c": (POLICIES[0].id, Severity.CRITICAL, Status.OPEN),
        "h": (POLICIES[1].id, Severity.HIGH, Status.OPEN),
        "w": (POLICIES[4].id, Severity.LOW, Status.WAIVED),
    }
    return tuple(
        replace(ONE, policy=policy, severity=severity, status=status, fingerprint=f"{index:032x}")
        for index, (policy, severity, status) in enumerate(kinds[letter] for letter in severities)
    )


@pytest.mark.slow
def test_of_very_many_as_many_are_written_as_fit() -> None:
    of = fleet(_many("h" * LIMIT + "cw"), ())
    (written, _) = results(sarif(of))
    assert len(written) == LIMIT
    assert written[-1]["ruleId"] == POLICIES[0].id
