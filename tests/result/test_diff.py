"""Comparison with the previous run: an example of each rule, and invariants for generated runs."""

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
from auditor.domain.result.verification import FindingState, FindingVerdict, FreedSeats, TenantVerification
from auditor.findings.table import FindingTable
from auditor.result.aggregate import changes, summarise
from auditor.result.diff import compare, with_reopened
from tests.builders.result.results import AS_OF, YESTERDAY, compared, night_before, result

LINE = SourceLine(file="p.yaml", line=1)


def finding_of(fingerprint: str, policy: str = "p", status: Status = Status.OPEN) -> Finding:
    return Finding(
        fingerprint=fingerprint, policy=policy, check="assignment.denied", severity=Severity.HIGH, status=status,
        subject=Subject(type=SubjectType.USER, id=fingerprint, name=""), source=LINE,
    )  # fmt: skip


def run(*findings: Finding, day: int = 0, unknown: str = "", policies: str = "pq", **more: object) -> Result:
    """A run of one tenant with policies named by single letters; those in `unknown` could not be evaluated."""
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
    completed = run(day=day, policies=policies)
    return replace(
        completed,
        tenants=(replace(completed.tenants[0], policies=(), failure=Message("Graph did not answer"), complete=False),),
    )


def last(*runs: Result) -> Result:
    """Compare each run with the previous one, and return the last run."""
    return reduce(lambda before, now: compare(now, before), runs)


def chain(*runs: Result) -> TenantResult:
    """Compare each run with the previous one, and return the tenant of the last run."""
    return last(*runs).tenants[0]


def fingerprints(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.fingerprint for finding in findings]


def changes_of(tenant: TenantResult) -> dict[str, str]:
    return {finding.fingerprint: str(finding.change) for finding in tenant.findings}


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ({"a": Status.OPEN}, {"a": Status.OPEN, "b": Status.OPEN}, {"a": "unchanged", "b": "new"}),
        # A finding whose waiver has expired is reopened; a new waiver is not a change.
        (
            {"a": Status.WAIVED, "b": Status.OPEN},
            {"a": Status.OPEN, "b": Status.WAIVED},
            {"a": "reopened", "b": "unchanged"},
        ),
        ({"a": Status.WAIVED}, {"a": Status.WAIVED, "b": Status.WAIVED}, {"a": "unchanged", "b": "new"}),
    ],
)
def test_changes_by_status(before: dict[str, Status], now: dict[str, Status], changes: dict[str, str]) -> None:
    runs = ([finding_of(name, status=status) for name, status in statuses.items()] for statuses in (before, now))
    assert changes_of(chain(*(run(*findings, day=day) for day, findings in enumerate(runs)))) == changes


def test_run_has_the_instant_of_the_previous_run() -> None:
    assert compared().run.previous == YESTERDAY


def test_missing_finding_is_fixed_and_then_closed() -> None:
    second = chain(run(finding_of("a")), run(day=1))
    assert [finding.fingerprint for finding in second.fixed] == ["a"]
    third = chain(run(finding_of("a")), run(day=1), run(day=2))
    assert (third.fixed, third.closed) == ((), ("a",))


def test_finding_that_returns_after_a_fix_is_reopened() -> None:
    tenant = chain(run(finding_of("a")), run(day=1), run(day=2), run(finding_of("a"), day=3))
    assert changes_of(tenant) == {"a": "reopened"}
    assert tenant.closed == ()
    assert changes_of(
        chain(run(finding_of("a")), run(day=1), run(finding_of("a"), day=2), run(finding_of("a"), day=3))
    ) == {"a": "unchanged"}


def test_findings_of_a_policy_that_was_not_evaluated_are_unconfirmed() -> None:
    tenant = chain(run(finding_of("a"), finding_of("b", "q")), run(day=1, unknown="p"))
    assert fingerprints(tenant.unconfirmed) == ["a"]
    assert fingerprints(tenant.fixed) == ["b"]


@pytest.mark.slow
def test_unconfirmed_findings_stay_until_found_or_evaluated() -> None:
    unknown_runs = (run(finding_of("a")), run(day=1, unknown="p"), run(day=2, unknown="p"))
    assert chain(*unknown_runs).unconfirmed == (finding_of("a"),)
    returned = chain(*unknown_runs, run(finding_of("a"), day=3))
    assert (changes_of(returned), returned.unconfirmed) == ({"a": "unchanged"}, ())
    evaluated = chain(*unknown_runs, run(day=3))
    assert (evaluated.unconfirmed, evaluated.fixed, evaluated.closed) == ((), (finding_of("a"),), ("a",))
    later = chain(*unknown_runs, run(day=3), run(finding_of("a"), day=4))
    assert (changes_of(later), later.closed) == ({"a": "reopened"}, ())


def test_unconfirmed_finding_is_fixed_when_its_own_policy_is_evaluated() -> None:
    tenant = chain(run(finding_of("a"), finding_of("b", "q")), run(day=1, unknown="pq"), run(day=2, unknown="q"))
    assert (fingerprints(tenant.fixed), fingerprints(tenant.unconfirmed)) == (["a"], ["b"])


def test_waived_unconfirmed_finding_is_reopened_if_it_returns_open() -> None:
    tenant = chain(run(finding_of("a", status=Status.WAIVED)), run(day=1, unknown="p"), run(finding_of("a"), day=2))
    assert changes_of(tenant) == {"a": "reopened"}


def test_findings_of_a_failed_tenant_are_unconfirmed() -> None:
    tenant = chain(run(finding_of("a")), failed(1))
    assert (tenant.fixed, fingerprints(tenant.unconfirmed)) == ((), ["a"])
    assert fingerprints(chain(run(finding_of("a")), failed(1), run(day=2)).fixed) == ["a"]
    assert changes_of(chain(run(finding_of("a")), failed(1), run(finding_of("a"), finding_of("b"), day=2))) == {
        "a": "unchanged",
        "b": "new",
    }


def test_findings_of_a_removed_policy_are_dropped() -> None:
    for current in (run(day=1, policies="q"), failed(1, policies="q")):
        tenant = chain(run(finding_of("a")), current)
        assert (tenant.fixed, tenant.unconfirmed, tenant.closed) == ((), (), ())


def test_findings_of_a_policy_that_excludes_the_tenant_are_dropped() -> None:
    now = failed(1)
    elsewhere = tuple(replace(policy, spec={"tenants": ["contoso"]}) for policy in now.run.policies)
    tenant = compare(replace(now, run=replace(now.run, policies=elsewhere)), run(finding_of("a"))).tenants[0]
    assert tenant.unconfirmed == ()
    removed = chain(run(finding_of("a")), run(day=1, unknown="p"), run(day=2, policies="q"))
    assert (removed.unconfirmed, removed.fixed, removed.closed) == ((), (), ())


def test_tenant_without_a_previous_run_has_only_new_findings() -> None:
    before = run(finding_of("a"))
    other_tenant = replace(before, tenants=(replace(before.tenants[0], tenant_id="another"),))
    for previous in (other_tenant, replace(before, tenants=())):
        tenant = compare(run(finding_of("a"), day=1), previous).tenants[0]
        assert (changes_of(tenant), tenant.fixed) == ({"a": "new"}, ())


def test_fleet_findings_are_compared() -> None:
    now = result()
    before = replace(night_before(), fleet=replace(now.fleet, findings=FindingTable.of(())))
    assert compare(now, before).fleet.findings[0].change is Change.NEW
    assert compare(now, night_before()).fleet.findings[0].change is Change.UNCHANGED


def fleet(*findings: Finding, day: int, unknown: bool = False) -> Result:
    """A run with findings of the fleet only; with `unknown`, its policy could not be evaluated."""
    outcome = PolicyOutcome(id="p", status=Outcome.NOT_EVALUATED if unknown else Outcome.PASS, findings=len(findings))
    return replace(run(day=day), fleet=FleetResult(policies=(outcome,), findings=FindingTable.of(findings)))


def fleet_chain(*runs: Result) -> FleetResult:
    return last(*runs).fleet


def test_fleet_findings_are_unconfirmed_fixed_and_reopened_like_those_of_tenants() -> None:
    first, unknown_run, without_finding = fleet(finding_of("a"), day=0), fleet(day=1, unknown=True), fleet(day=2)
    assert fingerprints(fleet_chain(first, unknown_run).unconfirmed) == ["a"]
    fixed = fleet_chain(first, unknown_run, without_finding)
    assert (fixed.fixed, fixed.unconfirmed, fixed.closed) == ((finding_of("a"),), (), ("a",))
    assert changes((), fixed).fixed == 1
    reopened = fleet_chain(first, unknown_run, without_finding, fleet(finding_of("a"), day=3))
    assert (reopened.findings[0].change, reopened.closed) == (Change.REOPENED, ())
    assert fleet_chain(first, unknown_run, fleet(finding_of("a"), day=2)).findings[0].change is Change.UNCHANGED


def test_fleet_findings_are_unconfirmed_if_a_tenant_is_missing() -> None:
    """A run over one of two tenants, even if repeated, does not show whether a finding about both is fixed."""
    pair = fleet(finding_of("a"), day=0)
    pair = replace(pair, tenants=(*pair.tenants, replace(pair.tenants[0], name="other")))
    single_tenant = fleet_chain(pair, fleet(day=1), fleet(day=2))
    assert (fingerprints(single_tenant.unconfirmed), single_tenant.fixed, single_tenant.closed) == (["a"], (), ())
    both = replace(fleet(day=3), tenants=pair.tenants)
    assert fingerprints(fleet_chain(pair, fleet(day=1), both).fixed) == ["a"]


def test_previous_run_later_than_the_current_is_refused() -> None:
    with pytest.raises(AuditorError, match="later than this run"):
        compare(run(), run(day=1))
    assert compare(run(), run()).run.previous == AS_OF


RUNS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(Status)), st.sampled_from(["", "p", "q", "pq"])),
    min_size=2,
    max_size=5,
)


@pytest.mark.slow
@given(RUNS)
def test_fingerprint_is_in_one_list_only(runs: list[tuple[dict[str, Status], str]]) -> None:
    compared: Result | None = None
    before: set[str] = set()
    for day, (statuses, unknown) in enumerate(runs):
        findings = tuple(
            finding_of(name, "p" if name in "ab" else "q", status) for name, status in sorted(statuses.items())
        )
        now = run(*findings, day=day, unknown=unknown)
        compared = now if compared is None else compare(now, compared)
        tenant = compared.tenants[0]
        current = {finding.fingerprint for finding in tenant.findings}
        fixed = {finding.fingerprint for finding in tenant.fixed}
        unconfirmed = set(fingerprints(tenant.unconfirmed))
        assert len(unconfirmed) == len(tenant.unconfirmed)
        assert not current & (fixed | unconfirmed | set(tenant.closed))
        assert not unconfirmed & (fixed | set(tenant.closed))
        assert fixed <= set(tenant.closed)
        assert all(finding.policy not in unknown for finding in tenant.fixed)
        assert all(finding.policy in unknown for finding in tenant.unconfirmed)
        if day:
            # No finding is lost: each is in the result, closed or unconfirmed.
            assert before <= current | unconfirmed | set(tenant.closed)
        before = current | unconfirmed
        assert [finding.change for finding in tenant.findings].count(None) == (len(current) if day == 0 else 0)


def test_only_open_findings_of_a_plan_that_are_reopened_came_back() -> None:
    states = {"a": FindingState.OPEN, "b": FindingState.OPEN, "c": FindingState.UNKNOWN}
    verdicts = tuple(
        FindingVerdict(
            fingerprint=name, state=state, policy="p", check="", severity=Severity.HIGH, subject=finding_of("a").subject
        )
        for name, state in states.items()
    )
    a, b, c = map(finding_of, states)
    (tenant,) = last(run(a, b, c), run(b, day=1), run(a, b, c, day=2)).tenants
    freed = FreedSeats(planned=0, actual=0)
    verification = TenantVerification(planned_at=AS_OF, actions=(), findings=verdicts, freed=freed)
    verified = with_reopened(replace(tenant, verification=verification)).verification
    assert verified is not None
    assert [item.state.value for item in verified.findings] == ["came-back", "open", "unknown"]
