"""The check of `balance`, by hand, and what findings are in every tenant of a run."""

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Result
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import audited, bought, policy_file, sku_id, tenant, user

BALANCE = "balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}"


def state(name: str, enabled: int | None, consumed: int, **more: object) -> Snapshot:
    unread = {Source.SUBSCRIBED_SKUS: SourceStatus.DENIED} if more.pop("blind", False) else None
    return tenant(
        name=name, tenant_id=f"id-{name}", unread=unread, subscribedSkus=[bought("SPE_E3", enabled, consumed, **more)]
    )


def fleet(*tenants: Snapshot, block: str = BALANCE, **more: str) -> Result:
    return audited(policy_file(block, **more), *tenants)


def test_one_is_short_and_another_has_too_many() -> None:
    result = fleet(state("a", 10, 10), state("b", 100, 50), state("c", 100, 95))
    (finding,) = result.fleet.findings
    assert (finding.check, finding.subject.type.value, finding.subject.id, finding.detail) == (
        "balance.imbalance", "fleet", sku_id("SPE_E3"), None
    )  # fmt: skip
    lines = {key: [line["tenant"] for line in finding.evidence[key]] for key in ("short", "excess")}
    assert lines == {"short": ["a"], "excess": ["b"]}
    assert finding.evidence["short"][0]["spare"] == 0
    assert [item.status.value for item in result.fleet.policies] == ["fail"]
    assert all(not item.policies and not item.findings for item in result.tenants)


def test_tenants_that_do_not_own_it_are_not_short_of_it() -> None:
    assert fleet(tenant(name="a", tenant_id="a"), state("b", 100, 50)).fleet.findings == ()
    assert fleet(state("a", 0, 0), state("b", 100, 50)).fleet.findings == ()
    assert len(fleet(state("a", 0, 1), state("b", 100, 50)).fleet.findings) == 1


def test_a_tenant_that_was_not_read_leaves_it_open_unless_it_is_certain() -> None:
    open_ = fleet(state("a", 10, 10, blind=True), state("b", 100, 50))
    assert (list(open_.fleet.findings), open_.fleet.policies[0].status.value) == ([], "not-evaluated")
    assert not open_.complete
    certain = fleet(state("a", 10, 10), state("b", 100, 50), state("c", 10, 1, blind=True))
    assert (len(certain.fleet.findings), certain.fleet.policies[0].status.value) == (1, "not-evaluated")


def test_only_a_waiver_for_everyone_waives_it() -> None:
    line = "[{{id: W, policies: [p], reason: r, owner: o, expires: 2027-01-31{}}}]"
    pair = (state("a", 10, 10), state("b", 100, 50))
    wanted = {
        "": "W",
        ", products: [SPE_E3]": "W",
        ", products: [SPE_E5]": None,
        ", tenants: [a]": None,
        ", users: {}": None,
    }
    found = {more: fleet(*pair, waivers=line.format(more)).fleet.findings[0].waiver for more in wanted}
    assert found == wanted


def test_a_finding_is_the_same_whatever_it_is_called() -> None:
    """Its fingerprint hashes what it is: not names, severity, title, time or order."""
    deny = "assignments: {deny: [SPE_E3]}"
    ann, bob = user("ann", "SPE_E3"), user("bob", "SPE_E3")
    first = audited(policy_file(deny), tenant(ann, bob)).tenants[0]
    renamed = tenant(bob, ann | {"displayName": "Other", "userPrincipalName": "new@contoso.example"}, name="other")
    text = policy_file(deny).replace("severity: high", "severity: low\n  title: Anything else")
    second = audited(text, renamed).tenants[0]
    assert [item.fingerprint for item in first.findings] == [item.fingerprint for item in second.findings]
    elsewhere = audited(policy_file(deny), tenant(ann, bob, tenant_id="elsewhere")).tenants[0]
    assert not {item.fingerprint for item in first.findings} & {item.fingerprint for item in elsewhere.findings}
