"""What changed since the previous run: each rule by an example, and what no two runs may break."""

from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Change, Outcome, Severity, Status, SubjectType
from auditor.domain.errors import AuditorError
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.domain.result.model import FleetResult, PolicyHeader, PolicyOutcome, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.result.aggregate import changes, summarise
from tests.builders.result.results import AS_OF, YESTERDAY, night_before, result

LINE = SourceLine(file="p.yaml", line=1)


def one(fingerprint: str, policy: str = "p", status: Status = Status.OPEN) -> Finding:
    return Finding(
        fingerprint=fingerprint, policy=policy, check="assignment.denied", severity=Severity.HIGH, status=status,
        subject=Subject(type=SubjectType.USER, id=fingerprint, name=""), source=LINE,
    )  # fmt: skip


def run(*findings: Finding, day: int = 0, unknown: str = "", policies: str = "pq", **more: object) -> Result:
    """A run of one tenant under the policies named by single letters; `unknown` could not be evaluated."""
    base = result()
    outcomes = tuple(
        PolicyOutcome(id=letter, status=Outcome.NOT_EVALUATED if letter in unknown else Outcome.PASS, findings=0)
        for letter in policies
    )
    headers = tuple(
        PolicyHeader(id=letter, title="", severity=Severity.HIGH, rationale="", owner="", tags=(), source=LINE, spec={})
        for letter in policies
    )
    tenant = replace(base.tenants[1], policies=outcomes, findings=FindingTable.of(findings), **more)
    return replace(
        base, tenants=(tenant,), run=replace(base.run, as_of=AS_OF + timedelta(days=day), policies=headers),
        summary=summarise((tenant,)),
    )  # fmt: skip


def failed(day: int, policies: str = "pq") -> Result:
    made = run(day=day, policies=policies)
    return replace(
        made, tenants=(replace(made.tenants[0], policies=(), failure=Message("Graph did not answer"), complete=False),)
    )


def last(*runs: Result) -> Result:
    """Compare each run with the one before it; return the last one."""
    return reduce(lambda before, now: compare(now, before), runs)


def chain(*runs: Result) -> TenantResult:
    """Return the tenant of the last of some runs, each compared with the one before it."""
    return last(*runs).tenants[0]


def marks(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.fingerprint for finding in findings]


def change_of(tenant: TenantResult) -> dict[str, str]:
    return {finding.fingerprint: str(finding.change) for finding in tenant.findings}


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({"a": Status.OPEN}, {"a": Status.OPEN, "b": Status.OPEN}, {"a": "unchanged", "b": "new"}),
        # A lapsed waiver reopens, and a new waiver changes nothing.
        (
            {"a": Status.WAIVED, "b": Status.OPEN},
            {"a": Status.OPEN, "b": Status.WAIVED},
            {"a": "reopened", "b": "unchanged"},
        ),
        ({"a": Status.WAIVED}, {"a": Status.WAIVED, "b": Status.WAIVED}, {"a": "unchanged", "b": "new"}),
    ],
)
def test_changes_by_status(before: dict[str, Status], now: dict[str, Status], changes: dict[str, str]) -> None:
    runs = ([one(name, status=status) for name, status in found.items()] for found in (before, now))
    assert change_of(chain(*(run(*findings, day=day) for day, findings in enumerate(runs)))) == changes


def test_the_run_says_what_it_was_compared_with() -> None:
    assert compare(result(), night_before()).run.previous == YESTERDAY


def test_gone_is_fixed_and_stays_closed() -> None:
    second = chain(run(one("a")), run(day=1))
    assert [finding.fingerprint for finding in second.fixed] == ["a"]
    third = chain(run(one("a")), run(day=1), run(day=2))
    assert (third.fixed, third.closed) == ((), ("a",))


def test_what_comes_back_after_it_was_fixed_is_reopened_and_no_longer_closed() -> None:
    tenant = chain(run(one("a")), run(day=1), run(day=2), run(one("a"), day=3))
    assert change_of(tenant) == {"a": "reopened"}
    assert tenant.closed == ()
    assert change_of(chain(run(one("a")), run(day=1), run(one("a"), day=2), run(one("a"), day=3))) == {"a": "unchanged"}


def test_a_policy_that_could_not_be_evaluated_fixes_nothing() -> None:
    tenant = chain(run(one("a"), one("b", "q")), run(day=1, unknown="p"))
    assert marks(tenant.unconfirmed) == ["a"]
    assert marks(tenant.fixed) == ["b"]


def test_unconfirmed_is_carried_on_until_found_or_judged() -> None:
    gap = (run(one("a")), run(day=1, unknown="p"), run(day=2, unknown="p"))
    assert chain(*gap).unconfirmed == (one("a"),)
    found = chain(*gap, run(one("a"), day=3))
    assert (change_of(found), found.unconfirmed) == ({"a": "unchanged"}, ())
    judged = chain(*gap, run(day=3))
    assert (judged.unconfirmed, judged.fixed, judged.closed) == ((), (one("a"),), ("a",))
    later = chain(*gap, run(day=3), run(one("a"), day=4))
    assert (change_of(later), later.closed) == ({"a": "reopened"}, ())


def test_each_finding_waits_for_its_own_policy() -> None:
    tenant = chain(run(one("a"), one("b", "q")), run(day=1, unknown="pq"), run(day=2, unknown="q"))
    assert (marks(tenant.fixed), marks(tenant.unconfirmed)) == (["a"], ["b"])


def test_a_finding_that_waited_under_a_waiver_is_reopened_when_it_is_open() -> None:
    tenant = chain(run(one("a", status=Status.WAIVED)), run(day=1, unknown="p"), run(one("a"), day=2))
    assert change_of(tenant) == {"a": "reopened"}


def test_a_tenant_that_failed_fixes_nothing() -> None:
    tenant = chain(run(one("a")), failed(1))
    assert (tenant.fixed, marks(tenant.unconfirmed)) == ((), ["a"])
    assert marks(chain(run(one("a")), failed(1), run(day=2)).fixed) == ["a"]
    assert change_of(chain(run(one("a")), failed(1), run(one("a"), one("b"), day=2))) == {"a": "unchanged", "b": "new"}


def test_a_policy_that_left_the_set_is_dropped() -> None:
    for last in (run(day=1, policies="q"), failed(1, policies="q")):
        tenant = chain(run(one("a")), last)
        assert (tenant.fixed, tenant.unconfirmed, tenant.closed) == ((), (), ())


def test_a_policy_that_now_leaves_the_tenant_out_is_dropped() -> None:
    now = failed(1)
    elsewhere = tuple(replace(policy, spec={"tenants": ["contoso"]}) for policy in now.run.policies)
    tenant = compare(replace(now, run=replace(now.run, policies=elsewhere)), run(one("a"))).tenants[0]
    assert tenant.unconfirmed == ()
    waiting = chain(run(one("a")), run(day=1, unknown="p"), run(day=2, policies="q"))
    assert (waiting.unconfirmed, waiting.fixed, waiting.closed) == ((), (), ())


def test_a_tenant_without_a_past_has_only_new_findings() -> None:
    before = run(one("a"))
    other = replace(before, tenants=(replace(before.tenants[0], tenant_id="another"),))
    for past in (other, replace(before, tenants=())):
        tenant = compare(run(one("a"), day=1), past).tenants[0]
        assert (change_of(tenant), tenant.fixed) == ({"a": "new"}, ())


def test_findings_of_the_fleet_are_compared_too() -> None:
    now = result()
    before = replace(night_before(), fleet=replace(now.fleet, findings=FindingTable.of(())))
    assert compare(now, before).fleet.findings[0].change is Change.NEW
    assert compare(now, night_before()).fleet.findings[0].change is Change.UNCHANGED


def fleet(*findings: Finding, day: int, unknown: bool = False) -> Result:
    """A run of which only the fleet counts; its one policy could perhaps not be evaluated."""
    outcome = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED if unknown else Outcome.PASS, findings=len(findings))
    return replace(run(day=day), fleet=FleetResult(policies=(outcome,), findings=FindingTable.of(findings)))


def fleet_chain(*runs: Result) -> FleetResult:
    return last(*runs).fleet


def test_what_is_gone_of_the_fleet_is_fixed_when_it_was_judged_and_reopened_when_it_comes_back() -> None:
    found, gap, gone = fleet(one("a"), day=0), fleet(day=1, unknown=True), fleet(day=2)
    assert marks(fleet_chain(found, gap).unconfirmed) == ["a"]
    fixed = fleet_chain(found, gap, gone)
    assert (fixed.fixed, fixed.unconfirmed, fixed.closed) == ((one("a"),), (), ("a",))
    assert changes((), fixed).fixed == 1
    again = fleet_chain(found, gap, gone, fleet(one("a"), day=3))
    assert (again.findings[0].change, again.closed) == (Change.REOPENED, ())
    assert fleet_chain(found, gap, fleet(one("a"), day=2)).findings[0].change is Change.UNCHANGED


def test_a_fleet_that_lacks_a_tenant_mends_nothing() -> None:
    """A finding over two tenants is neither there nor gone in a run over one of them, however often that is run."""
    pair = fleet(one("a"), day=0)
    pair = replace(pair, tenants=(*pair.tenants, replace(pair.tenants[0], name="other")))
    alone = fleet_chain(pair, fleet(day=1), fleet(day=2))
    assert (marks(alone.unconfirmed), alone.fixed, alone.closed) == (["a"], (), ())
    both = replace(fleet(day=3), tenants=pair.tenants)
    assert marks(fleet_chain(pair, fleet(day=1), both).fixed) == ["a"]


def test_a_previous_run_from_the_future_is_refused() -> None:
    with pytest.raises(AuditorError, match="later than this one"):
        compare(run(), run(day=1))
    assert compare(run(), run()).run.previous == AS_OF


RUNS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(Status)), st.sampled_from(["", "p", "q", "pq"])),
    min_size=2,
    max_size=5,
)


@pytest.mark.slow
@given(RUNS)
def test_no_fingerprint_is_in_two_places(drawn: list[tuple[dict[str, Status], str]]) -> None:
    compared: Result | None = None
    before: set[str] = set()
    for day, (found, unknown) in enumerate(drawn):
        findings = tuple(one(name, "p" if name in "ab" else "q", status) for name, status in sorted(found.items()))
        now = run(*findings, day=day, unknown=unknown)
        compared = now if compared is None else compare(now, compared)
        tenant = compared.tenants[0]
        here = {finding.fingerprint for finding in tenant.findings}
        fixed = {finding.fingerprint for finding in tenant.fixed}
        waiting = set(marks(tenant.unconfirmed))
        assert len(waiting) == len(tenant.unconfirmed)
        assert not here & (fixed | waiting | set(tenant.closed))
        assert not waiting & (fixed | set(tenant.closed))
        assert fixed <= set(tenant.closed)
        assert all(finding.policy not in unknown for finding in tenant.fixed)
        assert all(finding.policy in unknown for finding in tenant.unconfirmed)
        if day:
            # Nothing is lost without a word: it is here, told as gone, or waiting.
            assert before <= here | waiting | set(tenant.closed)
        before = here | waiting
        assert [finding.change for finding in tenant.findings].count(None) == (len(here) if day == 0 else 0)
