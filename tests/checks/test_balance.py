"""The check of `balance`, and fingerprints of findings across tenants."""

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


def fleet(*tenants: Snapshot, **more: str) -> Result:
    return audited(policy_file(BALANCE, **more), *tenants)


def test_imbalance_lists_tenants_with_too_few_and_too_many_seats() -> None:
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


def test_tenant_that_does_not_own_the_product_is_not_short_of_it() -> None:
    assert fleet(tenant(name="a", tenant_id="a"), state("b", 100, 50)).fleet.findings == ()
    assert fleet(state("a", 0, 0), state("b", 100, 50)).fleet.findings == ()
    assert len(fleet(state("a", 0, 1), state("b", 100, 50)).fleet.findings) == 1


def test_only_a_waiver_without_tenants_and_users_covers_an_imbalance() -> None:
    line = "[{{id: W, policies: [p], reason: r, owner: o, expires: 2027-01-31{}}}]"
    pair = (state("a", 10, 10), state("b", 100, 50))
    expected = {
        "": "W",
        ", products: [SPE_E3]": "W",
        ", products: [SPE_E5]": None,
        ", tenants: [a]": None,
        ", users: {}": None,
    }
    waivers = {more: fleet(*pair, waivers=line.format(more)).fleet.findings[0].waiver for more in expected}
    assert waivers == expected


def test_fingerprint_does_not_depend_on_names_titles_or_order() -> None:
    """The fingerprint hashes the ids of tenant, policy, check and subject: not names, severity, title, time or order."""
    deny = "assignments: {deny: [SPE_E3]}"
    ann, bob = user("ann", "SPE_E3"), user("bob", "SPE_E3")
    first = audited(policy_file(deny), tenant(ann, bob)).tenants[0]
    renamed = tenant(bob, ann | {"displayName": "Other", "userPrincipalName": "new@contoso.example"}, name="other")
    text = policy_file(deny).replace("severity: high", "severity: low\n  title: Anything else")
    second = audited(text, renamed).tenants[0]
    assert [item.fingerprint for item in first.findings] == [item.fingerprint for item in second.findings]
    elsewhere = audited(policy_file(deny), tenant(ann, bob, tenant_id="elsewhere")).tenants[0]
    assert not {item.fingerprint for item in first.findings} & {item.fingerprint for item in elsewhere.findings}
