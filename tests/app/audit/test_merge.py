"""Merging results of shards: the same bytes as one run over all tenants, also the changes of fleet findings."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from msgspec.structs import replace

from auditor.app.audit.merge import merge
from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Change, Source
from auditor.domain.errors import UsageError
from auditor.domain.money import Money
from auditor.domain.result.model import Result
from auditor.policy.loader import load as load_policies
from auditor.result.codec.result_reader import load
from auditor.result.diff import compare
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.model import Snapshot
from tests.builders.result.actions import with_actions
from tests.builders.result.rendered import rendered_bytes
from tests.builders.tenant.tenants import NOW, audited, bought, policy_set, tenant, user

pytestmark = pytest.mark.slow
KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)
POLICIES = """version: 1
policies:
- {id: even, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 5}}}
- {id: none, severity: high, assignments: {deny: [SPE_E5]}}
waivers:
- {id: w, policies: [none], users: {userPrincipalName: nobody@contoso.example}, reason: r, owner: o@x.example, expires: 2027-01-01}
"""  # fmt: skip


def state(name: str, spare: int, *people: str) -> Snapshot:
    users = [user(person, "SPE_E5") for person in people]
    seats = [bought("SPE_E3", 20, 20 - spare), bought("SPE_E5", 5, 1)]
    return tenant(*users, name=name, tenant_id=f"{name}-id", subscribedSkus=seats)


def audit_result(*states: Snapshot, day: int = 0) -> Result:
    policies = load_policies([("policies/p.yaml", POLICIES.encode())]).policies
    return with_actions(audit(states, policies, builtin(), NOW + timedelta(days=day)), policies)


def body(result: Result) -> bytes:
    return rendered_bytes(result, "json")


def merged(*results: Result) -> Result:
    """Merge saved results, as `auditor report` does."""
    return merge([(f"{number}.json", load(body(result))) for number, result in enumerate(results)], builtin())


def test_merge_keeps_seat_counts_and_usage() -> None:
    people = (user("bob", "SPE_E5", department="IT", teamsLastActivityDate=date(2026, 8, 1)), user("cy", "SPE_E5"))
    reports = {Source.USAGE: date(2026, 11, 18)}
    states = (
        state("adatum", 3, "ann"),
        tenant(*people, tenant_id="x", subscribedSkus=[bought("SPE_E5", 5, 2)], reports=reports),
    )
    single = audit_result(*states)
    assert body(merged(*(audit_result(snapshot) for snapshot in states))) == body(single)
    adatum, contoso = load(body(single)).tenants
    assert adatum.usage is None
    assert (contoso.usage, contoso.departments) == (single.tenants[1].usage, single.tenants[1].departments)
    assert contoso.usage is not None
    assert [product.idle for product in contoso.usage.products] == [2]


@cache
def unbalanced() -> tuple[Snapshot, ...]:
    return state("adatum", 0, "ann"), state("contoso", 9, "bob"), state("fabrikam", 9)


@cache
def balanced() -> tuple[Snapshot, ...]:
    return state("adatum", 3), state("contoso", 3, "bob", "cy"), state("fabrikam", 3)


def test_merge_of_policies_with_unusual_characters() -> None:
    """A result contains the policies; JSON writes some of these characters as two escapes (surrogate pairs)."""
    document = POLICIES.replace("severity: low", 'title: "\U0001f600 \\x85", rationale: \U00020000, severity: low')
    policies = load_policies([("policies/p.yaml", document.encode())]).policies
    shards = [with_actions(audit([snapshot], policies, builtin(), NOW), policies) for snapshot in unbalanced()]
    single = with_actions(audit(unbalanced(), policies, builtin(), NOW), policies)
    assert body(merged(*shards)) == body(single)
    assert {policy.title for policy in single.run.policies} == {"\U0001f600 \x85", ""}


def test_merge_of_policies_larger_than_one_file_may_be() -> None:
    """A result contains all policy files, so it can be larger than one policy file may be."""
    reason = "r" * 1000
    files = [("policies/p.yaml", POLICIES.encode())]
    for number in range(2):
        waivers = "".join(
            f"- {{id: w{number}-{n}, policies: [none], reason: {reason}, owner: o@x.example, expires: 2026-01-01}}\n"
            for n in range(600)
        )
        files.append((f"policies/{number}.yaml", f"version: 1\nwaivers:\n{waivers}".encode()))
    policies = load_policies(files).policies
    shards = [with_actions(audit([snapshot], policies, builtin(), NOW), policies) for snapshot in unbalanced()]
    assert body(merged(*shards)) == body(with_actions(audit(unbalanced(), policies, builtin(), NOW), policies))


def nights(*states: tuple[Snapshot, ...]) -> Result:
    """Return the result of the last of several nights, each compared with the one before."""
    result = audit_result(*states[0])
    for day, snapshots in enumerate(states[1:], start=1):
        result = compare(audit_result(*snapshots, day=day), result)
    return result


@pytest.mark.parametrize(
    "before", [(unbalanced(),), (balanced(),), (unbalanced(), balanced()), (unbalanced(), balanced(), unbalanced())]
)
@pytest.mark.parametrize("now", [unbalanced(), balanced()])
def test_merged_shards_have_the_bytes_of_one_run(
    before: tuple[tuple[Snapshot, ...], ...], now: tuple[Snapshot, ...]
) -> None:
    previous, day = nights(*before), len(before)
    single = compare(audit_result(*now, day=day), previous)
    shards = [compare(audit_result(*snapshots, day=day), previous) for snapshots in (now[1:2], (now[0], now[2]))]
    assert body(merged(*shards)) == body(single)
    assert body(merged(*reversed(shards))) == body(single)
    changes = {finding.change for finding in single.fleet.findings} | {"fixed" for _ in single.fleet.fixed}
    if now is balanced():
        assert changes == ({"fixed"} if before[-1] is unbalanced() else set())
    else:
        assert changes == {
            Change.UNCHANGED
            if before[-1] is unbalanced()
            else Change.REOPENED
            if unbalanced() in before
            else Change.NEW
        }


def test_merge_of_shards_without_a_comparison() -> None:
    shards = [audit_result(snapshot) for snapshot in unbalanced()]
    assert body(merged(*shards)) == body(audit_result(*unbalanced()))


def test_later_runs_can_be_compared_with_a_merged_result() -> None:
    first = merged(*(audit_result(snapshot) for snapshot in unbalanced()))
    second = merged(*(compare(audit_result(snapshot, day=1), first) for snapshot in balanced()))
    assert [finding.policy for finding in second.fleet.fixed] == ["even"]
    third = merged(*(compare(audit_result(snapshot, day=2), second) for snapshot in unbalanced()))
    assert [finding.change for finding in third.fleet.findings] == [Change.REOPENED]


def test_merged_result_names_a_tenant_of_the_previous_run_that_no_shard_has() -> None:
    previous = audit_result(*unbalanced())
    shards = [compare(audit_result(snapshot, day=1), previous) for snapshot in unbalanced()]
    assert "tenant.missing" not in {notice.code for notice in merged(*shards).fleet.notices}
    notices = merged(*shards[:2]).fleet.notices
    assert [notice.subject for notice in notices if notice.code == "tenant.missing"] == ["fabrikam"]


def test_fleet_findings_have_no_change_if_shards_were_compared_with_different_runs() -> None:
    yesterday = [audit_result(snapshot) for snapshot in unbalanced()]
    shards = [
        compare(audit_result(snapshot, day=1), previous)
        for snapshot, previous in zip(unbalanced(), yesterday, strict=True)
    ]
    shards[0] = replace(shards[0], run=replace(shards[0].run, previous=datetime(2026, 1, 1, tzinfo=NOW.tzinfo)))
    fleet = replace(shards[0].fleet, past=replace(shards[0].fleet.past, closed=("x",)))  # type: ignore[type-var]
    result = merged(replace(shards[0], fleet=fleet), *shards[1:])
    assert [finding.change for finding in result.fleet.findings] == [None]
    assert result.run.previous == datetime(2026, 1, 1, tzinfo=NOW.tzinfo)
    assert [finding.change for finding in result.tenants[0].findings] == [Change.UNCHANGED]


def test_error_about_different_instants_writes_them_as_in_files() -> None:
    with pytest.raises(UsageError, match=r"different instants: \S+Z and \S+Z$"):
        merged(audit_result(unbalanced()[0]), audit_result(unbalanced()[1], day=1))


def test_merging_redacted_and_plain_results_is_an_error() -> None:
    plain, pseudonymised = audit_result(unbalanced()[0]), redacted(audit_result(unbalanced()[1]), KEY)
    for results in ((plain, pseudonymised), (pseudonymised, plain)):
        with pytest.raises(UsageError, match=r"has pseudonyms for people and [01]\.json has their names") as caught:
            merged(*results)
        assert caught.value.slug == "merge-different-runs"
    assert merged(redacted(plain, KEY), pseudonymised).run.redacted


def test_results_with_prices_in_different_currencies_are_named() -> None:
    results = [
        audited(
            "policies: [{id: p, severity: low, budget: {limit: 1}}]\n"
            f"prices: {{currency: {currency}, perSeatPerMonth: {{SPE_E3: 30}}}}",
            tenant(name=currency.lower()),
        )
        for currency in ("EUR", "DKK")
    ]
    with pytest.raises(UsageError, match=r"prices in EUR and 1\.json in DKK; amounts are never converted") as caught:
        merged(*results)
    assert caught.value.slug == "merge-different-currencies"


def test_merge_computes_actions_with_prices_of_contracts_that_are_not_whole_cents() -> None:
    """Two contracts of 10 and 20 seats cost 10 and 11 euro, so a seat costs 10.666667 euro, and 3 cost 32.00 euro."""
    contract = "products: [SPE_E5], term: P1Y, ends: 2027-03-31, renews: automatically"
    rules = f"""policies: [{{id: none, severity: high, assignments: {{deny: [SPE_E5]}}}}]
prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 30}}}}
contracts:
- {{id: C-1, {contract}, seats: 10, perSeatPerMonth: {{amount: 10}}}}
- {{id: C-2, {contract}, seats: 20, perSeatPerMonth: {{amount: 11}}}}
"""
    policies = policy_set(rules)
    states = state("adatum", 3, "ann", "bo", "cy"), state("fabrikam", 3)
    whole, *shards = (
        with_actions(audit(some, policies, builtin(), NOW), policies) for some in (states, states[:1], states[1:])
    )
    assert body(merged(*shards)) == body(whole)
    (action,) = load(body(whole)).tenants[0].actions
    assert action.money == Money(currency="EUR", per_month=Decimal(32))
