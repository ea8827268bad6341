"""The people and policies of actions: equal whether the audit stored them or they are computed from the findings."""

from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.result.aggregate import concerns
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.result.work_items import FLEET, work_items
from tests.builders.result.actions import with_actions
from tests.builders.result.audited_demo import demo_result
from tests.builders.tenant.tenants import audited, bought, policy_set, tenant, user

RULES = """\
policies:
  - {id: idle, severity: low, assignments: {deny: [SPE_E3]}}
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: [SPE_E3]}}
  - {id: waived, severity: critical, assignments: {deny: [SPE_E3]}}
waivers: [{id: w, policies: [waived], owner: a@contoso.example, reason: r, expires: 2999-01-01}]
"""


def test_concerns_are_equal_if_they_are_computed_from_the_findings() -> None:
    state = tenant(
        user("ann", "SPE_E3", accountEnabled=False), user("bob", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 5, 2)]
    )
    (evaluated,) = with_actions(audited(RULES, state), policy_set(RULES)).tenants
    stored = concerns(evaluated)
    (about_ann,) = [concern for concern in stored.values() if any("ann" in name for name in concern.names)]
    assert (about_ann.worst, about_ann.policies[0]) == (Severity.HIGH, "leavers")
    assert all("waived" not in concern.policies for concern in stored.values())
    without = replace(evaluated, actions=tuple(replace(action, concern=None) for action in evaluated.actions))
    assert concerns(without) == stored


def test_order_of_policies_does_not_depend_on_the_key_of_pseudonyms() -> None:
    """Otherwise a message that was sent would have other contents in the next run, and would be sent again."""
    orders = []
    for secret in (b"a key of 16 bytes or more", b"another key of 16 bytes or more"):
        hidden = redacted(demo_result(), RedactionKey(secret=secret, stable=True))
        orders.append([concern.policies for tenant in hidden.tenants for concern in concerns(tenant).values()])
    assert orders[0] == orders[1]
    assert max(map(len, orders[0])) > 1


def test_work_items_have_the_titles_of_their_policies() -> None:
    result = demo_result()
    titles = {header.title or header.id for header in result.run.policies}
    items = list(work_items(result))
    assert items
    for item in items:
        assert item.policies
        assert set(item.policies) <= titles
    findings = {finding.fingerprint: finding for tenant in result.tenants for finding in tenant.findings}
    for item in items:
        if item.tenant != FLEET:
            named = {finding.policy for name in item.action.findings if (finding := findings[name]).status == "open"}
            assert len(item.policies) == len(named)
