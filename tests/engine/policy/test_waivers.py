"""Waivers: which findings they cover, their expiry, and notices about names."""

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.tenants import NOW, audited, bought, judged, outcome, policy_file, policy_set, tenant, user

DENY = "assignments: {deny: [SPE_E5, SPE_E3]}"
STATE = tenant(user("ann", "SPE_E5"), user("bob", "SPE_E3", department="Store"))


def waiver(more: str = "", expires: str = "2027-01-31", policies: str = "[p]") -> str:
    return f"[{{id: W-1, policies: {policies}, reason: r, owner: o@contoso.example, expires: {expires}{more}}}]"


def notices(result: TenantResult) -> list[tuple[str, str]]:
    return [(notice.code, notice.subject) for notice in result.notices]


def test_waiver_for_users_does_not_cover_findings_about_products() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 1, 2)])
    block = "seats: {spare: {min: 0}}"
    assert judged(block, state, waivers=waiver(", users: {}")).findings[0].waiver is None
    assert judged(block, state, waivers=waiver(", products: [SPE_E3]")).findings[0].waiver == "W-1"
    assert judged(block, state, waivers=waiver(", products: [SPE_E5]")).findings[0].waiver is None


def test_waiver_whose_products_are_unknown_leaves_a_finding_about_seats_open_and_says_so() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 1, 2)], unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED})
    result = judged("seats: {of: [SPE_E3], spare: {min: 0}}", state, waivers=waiver(", products: [trial]"))
    assert result.findings[0].waiver is None
    assert [(notice.code, str(notice.message)) for notice in result.notices] == [
        (
            "waiver.unknown",
            "it is not known whether the waiver W-1 applies to some findings, so they are not waived",
        )
    ]


def test_waiver_for_a_policy_that_is_left_out_of_the_set_is_not_unused() -> None:
    policies = policy_set(
        "policies:\n"
        f"- {{id: p, severity: low, {DENY}}}\n"
        f"- {{id: trial-run, severity: low, status: report-only, {DENY}}}\n"
        f"waivers: {waiver(policies='[trial-run]', more=', products: [SPE_F1]')}"
    )
    complete, enabled = (audit([STATE], chosen, builtin(), NOW) for chosen in (policies, policies.enabled))
    assert notices(complete.tenants[0]) == [("waiver.unused", "W-1")]
    assert notices(enabled.tenants[0]) == []


def test_waived_findings_are_counted_separately() -> None:
    text = policy_file(DENY, waivers=waiver(", products: [SPE_E5]"), prices="{SPE_E5: 54.75, SPE_E3: 35.70}")
    result = audited(text, STATE)
    assert (sum(result.summary.open.values()), result.summary.waived) == (1, 1)
    assert result.tenants[0].policies[0].findings == 2


def test_waiver_can_expire_on_the_last_day_of_the_calendar() -> None:
    assert outcome(judged(DENY, STATE, waivers=waiver(expires="9999-12-31"))) == "waived"


def test_unknown_names_raise_notices_but_globs_do_not() -> None:
    block = "assignments: {deny: [SPE_E55, 'ZZZ*', {withService: NO_SUCH_PLAN}], services: {deny: [no_plan]}}"
    result = judged(block, STATE)
    assert notices(result) == [
        ("policy.unknown-product", "SPE_E55"),
        ("policy.unknown-service", "NO_SUCH_PLAN"),
        ("policy.unknown-service", "no_plan"),
    ]
    owned = tenant(
        subscribedSkus=[bought("SPE_E55", servicePlans=[{"servicePlanId": "x", "servicePlanName": "No_Plan"}])]
    )
    notices_with_product = notices(judged(block, owned))
    assert notices_with_product == [("policy.no-match", "p"), ("policy.unknown-service", "NO_SUCH_PLAN")]


def test_notice_of_an_unknown_name_says_if_the_products_of_the_tenant_were_not_read() -> None:
    state = tenant(unread={Source.SUBSCRIBED_SKUS: SourceStatus.DENIED})
    notice = judged("assignments: {deny: [SPE_E55]}", state).notices[-1]
    assert (notice.code, str(notice.message)) == (
        "policy.unknown-product",
        "the product catalogue does not have 'SPE_E55', and the products of the tenant were not read",
    )


def test_waiver_for_products_outside_the_pool_does_not_cover_it() -> None:
    """A pool contains only products that the tenant owns and that people can hold."""
    owned = [bought("SPE_E3", 10, 12), bought("VISIOCLIENT", 10, 0, appliesTo="Company")]
    state = tenant(subscribedSkus=owned)
    block = "seats: {of: paid, pool: true, spare: {min: 0}}"
    for products, expected in (("[SPE_E5]", None), ("[VISIOCLIENT]", None), ("['SPE_*']", "W-1")):
        (finding,) = judged(block, state, waivers=waiver(f", products: {products}")).findings
        assert finding.waiver == expected, products
