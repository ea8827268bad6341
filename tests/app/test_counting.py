"""A walk over findings that nobody holds: the actions, sums and counts are those of the audit that holds them."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app import counting
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.flowing import Flow, flow
from auditor.app.report.localization import localised
from auditor.app.streaming import Aside
from auditor.catalogue import Catalogue, builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.policy import PolicySet
from auditor.domain.result import Action, Finding, Result, TenantResult
from auditor.engine import retelling
from auditor.engine.evaluate import judged_batches
from auditor.engine.spilling import Scratch
from auditor.policy.loader import load
from auditor.remedy import shelving
from auditor.remedy.shelving import Marks, Requests
from auditor.result.aggregate import sums
from auditor.snapshot.model import Snapshot
from tests.builders.tenants import NOW, tenant, user
from tests.engine.test_retelling import HOLD, MOVED, FullDisk, strange
from tests.engine.test_streaming import loaded
from tests.engine.test_table import EVERYTHING, mixed
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios

SHOWN = 60
"""Findings about people that are shown, shared out among tenants, policies and checks."""


@pytest.fixture(autouse=True, scope="module")
def little_room() -> Iterator[None]:
    """Let everything that waits for company go at once: what is for millions then happens to a few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_REQUESTS", 2)
        patch.setattr(counting, "_MARKS", 3)
        patch.setattr(shelving, "_TOGETHER", 2)
        patch.setattr(shelving, "_SHORT", 2)
        patch.setattr(retelling, "_TOGETHER", 3)
        yield


def check(
    states: Sequence[Snapshot], policies: PolicySet, catalogue: Catalogue, *, bound: int = 0, as_of: Any = NOW
) -> tuple[Result, Result]:
    """Audit twice, with findings held and with findings walked, and hold one against the other."""
    whole = remedied(audit(states, policies, catalogue, as_of), policies)
    aside = Aside(file=io.BytesIO(), bound=bound)
    walked = flow(states, policies, catalogue, as_of, judge=judged_batches, aside=aside, shown=SHOWN)
    assert (walked.run, walked.summary, walked.fleet) == (whole.run, whole.summary, whole.fleet)
    count = sum(len(held.findings) for held in whole.tenants)
    for held, told in zip(whole.tenants, walked.tenants, strict=True):
        assert replace(told, findings=(), actions=()) == replace(held, findings=(), actions=())
        assert tuple(told.findings) == held.findings
        assert [_listed(action) for action in told.actions] == list(held.actions)
        _check_counts(held, told, room=SHOWN if count <= SHOWN else SHOWN * len(held.findings) // count)
    return whole, walked


def _listed(action: Action) -> Action:
    assert (len(action.findings), len(action.requests)) == (len(list(action.findings)), len(list(action.requests)))
    return replace(action, findings=tuple(action.findings), requests=tuple(action.requests))


def _check_counts(held: TenantResult, told: TenantResult, *, room: int) -> None:
    findings, flow = held.findings, told.findings
    assert isinstance(flow, Flow)
    counted = flow.counted
    assert counted.worth == sums(findings)
    assert list(counted.policies) == list(dict.fromkeys(finding.policy for finding in findings))
    for policy, tally in counted.policies.items():
        own = [finding for finding in findings if finding.policy == policy]
        waived = sum(finding.status is Status.WAIVED for finding in own)
        assert (tally.found, tally.waived, tally.worth) == (len(own), waived, sums(own))
        assert {tally.severity} == {finding.severity for finding in own}
    assert counted.waivers == Counter(finding.waiver for finding in findings if finding.waiver)
    assert counted.people == len({f.subject.id for f in findings if f.subject.type is SubjectType.USER})
    _check_shown(findings, flow.shown, room=room)
    by_mark = {finding.fingerprint: finding for finding in findings}
    for action in held.actions:
        concern, own = counted.concerns[action.id], [by_mark[mark] for mark in action.findings]
        people = {finding.subject.id: _called(finding) for finding in own if finding.subject.type is SubjectType.USER}
        worst = min((finding.severity for finding in own), key=list(Severity).index)
        assert (concern.worst, concern.people) == (worst, len(people))
        assert list(concern.names) == sorted(people.values())[:12]
    assert len(counted.concerns) == len(held.actions)


def _check_shown(findings: Sequence[Finding], shown: Sequence[Finding], *, room: int) -> None:
    """Of every policy and check the first are there, of things all; where there is room, everything."""
    by_key: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_key.setdefault((finding.policy, finding.check), []).append(finding)
    quota = room if len(findings) <= room else max(1, room // max(len(by_key), 1))
    expected = []
    for of_one in by_key.values():
        people = [finding for finding in of_one if finding.subject.type is SubjectType.USER]
        things = [finding for finding in of_one if finding.subject.type is not SubjectType.USER]
        expected += [*people[:quota], *things] if people else things
    assert list(shown) == expected


def _called(finding: Finding) -> str:
    principal, name = finding.evidence.get("userPrincipalName"), finding.subject.name
    return f"{name} ({principal})" if principal and principal != name else name


@pytest.mark.parametrize("bound", [0, 1 << 25])
def test_every_kind_of_finding(bound: int) -> None:
    for users in (1, 2, 100):
        check([mixed(users)], loaded(EVERYTHING), builtin(), bound=bound)


def test_the_demo_tenants_in_another_language_too() -> None:
    policies = load(demo_policies(NOW)).policies
    whole, walked = check(list(snapshots(NOW)), policies, builtin())
    for one, other in zip(localised(whole, "tr").tenants, localised(walked, "tr").tenants, strict=True):
        assert [_listed(action) for action in other.actions] == list(one.actions)
        assert one.actions[0].title != whole.tenants[0].actions[0].title


def test_who_is_moved_and_who_merely_loses_a_licence() -> None:
    held = (("SPE_E3",), ("SPE_E3", "SPE_F1"), ("SPE_E3", "SPE_E5"), ("SPE_F1",), ())
    people = [user(f"{'wn'[number % 2]}{number:03}", *held[number % 5]) for number in range(40)]
    _, walked = check([tenant(*people, rows=7)], loaded(MOVED), builtin())
    assert {action.kind for action in walked.tenants[0].actions} >= {"move", "unassign"}


def test_people_in_another_order_get_the_same_actions() -> None:
    state = strange(tenant(*(user(f"{number:02}", "SPE_E3", "SPE_E5") for number in range(20)), rows=6), 6)
    whole = remedied(audit([state], loaded(MOVED), builtin(), NOW), loaded(MOVED))
    aside = Aside(file=io.BytesIO(), bound=0)
    walked = flow([state], loaded(MOVED), builtin(), NOW, judge=judged_batches, aside=aside, shown=SHOWN)
    for one, other in zip(whole.tenants[0].actions, walked.tenants[0].actions, strict=True):
        assert (one.id, one.title, one.findings) == (other.id, other.title, tuple(other.findings))
        assert sorted(map(str, one.requests)) == sorted(map(str, other.requests))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(1, 5), st.sampled_from([0, 64, 1 << 20]))
def test_whatever_the_tenants_and_policies(scenario: Scenario, users: int, bound: int) -> None:
    policies = load(files(scenario.documents)).policies
    states = [snapshot(each, scenario, rows=users) for each in scenario.tenants]
    check(states, policies, catalogue_of(scenario.catalogue), bound=bound, as_of=scenario.as_of)


def test_a_full_disk_is_said() -> None:
    states = [tenant(*(user(f"{number}", "SPE_E3") for number in range(9)))]
    aside = Aside(file=FullDisk())
    with pytest.raises(DeliveryError, match="No space left"):
        flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=aside, shown=SHOWN)


@given(st.lists(st.lists(st.binary(min_size=16, max_size=16), max_size=9), max_size=9))
def test_fingerprints_come_back_in_their_order(runs: list[list[bytes]]) -> None:
    marks = Marks(Scratch(io.BytesIO()))
    for run in filter(None, runs):
        marks.put([mark.hex() for mark in run])
    expected = sorted(mark.hex() for run in runs for mark in run)
    assert (list(marks), len(marks)) == (expected, len(expected))
    for some in (slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(5, 2)):
        assert list(marks[some]) == expected[some]
    assert [marks[place] for place in range(-len(marks), len(marks))] == expected * 2
    with pytest.raises(IndexError):
        marks[len(marks)]


@given(st.lists(st.lists(st.integers(0, 3), max_size=9), max_size=9))
def test_requests_come_back_in_the_order_of_their_places(runs: list[list[int]]) -> None:
    requests = Requests(Scratch(io.BytesIO()))
    placed = [
        [(place, {"path": f"{number}-{turn}"}) for turn, place in enumerate(run)] for number, run in enumerate(runs)
    ]
    for run in placed:
        requests.put(run)
    expected = [document for _, document in sorted((each for run in placed for each in run), key=lambda each: each[0])]
    assert (list(requests), len(requests)) == (expected, len(expected))
