"""Results of shards put together: the same bytes as one run over all tenants, the change of the fleet with them."""

from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from auditor.app.audit.merge import merge
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.redaction.pseudonyms import Key
from auditor.app.redaction.redact import redacted
from auditor.catalogue import builtin
from auditor.domain.enums import Change, Source
from auditor.domain.errors import UsageError
from auditor.domain.result.model import Result
from auditor.history import compare, load
from auditor.policy.loader import load as load_policies
from auditor.render import render
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import NOW, bought, tenant, user

KEY = Key(secret=b"a key of 16 bytes or more", stable=True)
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


def audited(*states: Snapshot, day: int = 0) -> Result:
    policies = load_policies([("policies/p.yaml", POLICIES.encode())]).policies
    return remedied(audit(states, policies, builtin(), NOW + timedelta(days=day)), policies)


def body(of: Result) -> bytes:
    return b"".join(render(of, "json", locale="en").chunks())


def merged(*parts: Result) -> Result:
    """Merge as `auditor report` does: of what was saved."""
    return merge([(f"{number}.json", load(body(part))) for number, part in enumerate(parts)], builtin())


@pytest.mark.slow
def test_counts_of_seats_and_use_survive_a_merge() -> None:
    people = (user("bob", "SPE_E5", department="IT", teamsLastActivityDate=date(2026, 8, 1)), user("cy", "SPE_E5"))
    reports = {Source.USAGE: date(2026, 11, 18)}
    states = (
        state("adatum", 3, "ann"),
        tenant(*people, tenant_id="x", subscribedSkus=[bought("SPE_E5", 5, 2)], reports=reports),
    )
    whole = audited(*states)
    assert body(merged(*(audited(each) for each in states))) == body(whole)
    adatum, contoso = load(body(whole)).tenants
    assert adatum.usage is None
    assert (contoso.usage, contoso.departments) == (whole.tenants[1].usage, whole.tenants[1].departments)
    assert contoso.usage is not None
    assert [product.idle for product in contoso.usage.products] == [2]


UNEVEN = (state("adatum", 0, "ann"), state("contoso", 9, "bob"), state("fabrikam", 9))
EVEN = (state("adatum", 3), state("contoso", 3, "bob", "cy"), state("fabrikam", 3))


@pytest.mark.slow
def test_a_policy_may_hold_any_character() -> None:
    """Also those that JSON writes in two halves, which a result carries as it does all of a policy."""
    odd = POLICIES.replace("severity: low", 'title: "\U0001f600 \\x85", rationale: \U00020000, severity: low')
    policies = load_policies([("policies/p.yaml", odd.encode())]).policies
    parts = [remedied(audit([each], policies, builtin(), NOW), policies) for each in UNEVEN]
    whole = remedied(audit(UNEVEN, policies, builtin(), NOW), policies)
    assert body(merged(*parts)) == body(whole)
    assert {policy.title for policy in whole.run.policies} == {"\U0001f600 \x85", ""}


@pytest.mark.slow
def test_files_that_are_larger_together_than_one_may_be_are_merged() -> None:
    """The document of a result is as large as all files of policies together."""
    reason = "r" * 1000
    files = [("policies/p.yaml", POLICIES.encode())]
    for number in range(2):
        waivers = "".join(
            f"- {{id: w{number}-{each}, policies: [none], reason: {reason}, owner: o@x.example, expires: 2026-01-01}}\n"
            for each in range(600)
        )
        files.append((f"policies/{number}.yaml", f"version: 1\nwaivers:\n{waivers}".encode()))
    policies = load_policies(files).policies
    parts = [remedied(audit([each], policies, builtin(), NOW), policies) for each in UNEVEN]
    assert body(merged(*parts)) == body(remedied(audit(UNEVEN, policies, builtin(), NOW), policies))


def nights(*states: tuple[Snapshot, ...]) -> Result:
    """The last of several nights, each compared with the one before."""
    last = audited(*states[0])
    for day, there in enumerate(states[1:], start=1):
        last = compare(audited(*there, day=day), last)
    return last


@pytest.mark.slow
@pytest.mark.parametrize("before", [(UNEVEN,), (EVEN,), (UNEVEN, EVEN), (UNEVEN, EVEN, UNEVEN)])
@pytest.mark.parametrize("now", [UNEVEN, EVEN])
def test_shards_give_the_bytes_of_one_run(before: tuple[tuple[Snapshot, ...], ...], now: tuple[Snapshot, ...]) -> None:
    previous, day = nights(*before), len(before)
    whole = compare(audited(*now, day=day), previous)
    shards = [compare(audited(*part, day=day), previous) for part in (now[1:2], (now[0], now[2]))]
    assert body(merged(*shards)) == body(whole)
    assert body(merged(*reversed(shards))) == body(whole)
    changes = {finding.change for finding in whole.fleet.findings} | {"fixed" for _ in whole.fleet.fixed}
    if now is EVEN:
        assert changes == ({"fixed"} if before[-1] is UNEVEN else set())
    else:
        assert changes == {
            Change.UNCHANGED if before[-1] is UNEVEN else Change.REOPENED if UNEVEN in before else Change.NEW
        }


@pytest.mark.slow
def test_shards_that_were_compared_with_nothing_merge_too() -> None:
    shards = [audited(each) for each in UNEVEN]
    assert body(merged(*shards)) == body(audited(*UNEVEN))


@pytest.mark.slow
def test_the_change_of_a_merged_run_is_what_a_later_run_goes_on_from() -> None:
    first = merged(*(audited(each) for each in UNEVEN))
    gone = merged(*(compare(audited(each, day=1), first) for each in EVEN))
    assert [finding.policy for finding in gone.fleet.fixed] == ["even"]
    back = merged(*(compare(audited(each, day=2), gone) for each in UNEVEN))
    assert [finding.change for finding in back.fleet.findings] == [Change.REOPENED]


@pytest.mark.slow
def test_where_each_shard_knows_another_past_nothing_is_reported_of_the_fleet() -> None:
    yesterday = [audited(each) for each in UNEVEN]
    shards = [compare(audited(each, day=1), past) for each, past in zip(UNEVEN, yesterday, strict=True)]
    shards[0] = replace(shards[0], run=replace(shards[0].run, previous=datetime(2026, 1, 1, tzinfo=NOW.tzinfo)))
    of_adatum = replace(shards[0].fleet, past=replace(shards[0].fleet.past, closed=("x",)))  # type: ignore[type-var]
    made = merged(replace(shards[0], fleet=of_adatum), *shards[1:])
    assert [finding.change for finding in made.fleet.findings] == [None]
    assert made.run.previous == datetime(2026, 1, 1, tzinfo=NOW.tzinfo)
    assert [finding.change for finding in made.tenants[0].findings] == [Change.UNCHANGED]


def test_names_and_pseudonyms_do_not_mix() -> None:
    one, other = audited(UNEVEN[0]), redacted(audited(UNEVEN[1]), KEY)
    for parts in ((one, other), (other, one)):
        with pytest.raises(UsageError, match=r"has pseudonyms for people and [01]\.json has their names") as refused:
            merged(*parts)
        assert refused.value.slug == "merge-different-runs"
    assert merged(redacted(one, KEY), other).run.redacted
