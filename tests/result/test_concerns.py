"""The people and policies of actions: equal whether the audit stored them or they are computed from the findings."""

from msgspec.structs import replace

from auditor.app.audit.remediation import with_actions
from auditor.domain.enums import Severity
from auditor.result.aggregate import concerns
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
