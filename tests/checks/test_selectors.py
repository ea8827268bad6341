"""A check that evaluates selectors: its data is collected, read, and a reason if it is missing, from its file alone."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue import builtin
from auditor.checks.check import Check
from auditor.checks.data_needs import check_needs
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.product_set import ProductSet, Sku
from auditor.domain.policy.selector import (
    AppsUnused,
    CoveredBy,
    HasRole,
    HeldFor,
    InactiveFor,
    InactiveIn,
    MailboxArchive,
    MailboxLargerThan,
    ManagedDevice,
    MemberOf,
    OneOf,
    Selector,
)
from auditor.domain.result.model import PolicyOutcome
from auditor.engine.evaluate import evaluate, evaluated_batches
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from tests.builders.tenant.tenants import NOW, policy_set
from tests.checks.template import CHECK

POLICIES = policy_set("policies: [{id: p, severity: high, assignments: {of: SPE_E3, redundant: deny}}]")
(POLICY,) = POLICIES.policies
E3 = ProductSet(elements=(Sku(name="SPE_E3"),), written="SPE_E3")
MONTH = timedelta(days=30)
ANN = {
    "userPrincipalName": "ann",
    "mailboxType": "shared",
    "licenses": ["SPE_E3"],
    "assigned": "2026-01-01T00:00:00Z",
    "signInActivity": {"lastSignInDateTime": "2026-01-01T00:00:00Z"},
    "lastActivity": {},
    "copilot": None,
    "apps": {},
    "mailbox": {"size": "2GB", "archive": True},
    "devices": ["2026-11-18"],
    "memberOf": ["Partners"],
    "roles": ["Global Administrator"],
}
STATE: dict[str, Any] = {
    "products": [{"skuPartNumber": "SPE_E3", "enabled": 5}],
    "groups": [{"displayName": "Partners"}],
    "conditionalAccess": [{"include": ["ann"]}],
    "users": [ANN, {"userPrincipalName": "bob"}],
}
OF_SOURCE: list[tuple[Source, Selector]] = [
    (Source.USERS, HeldFor(products=E3, duration=MONTH)),
    (Source.MAILBOXES, OneOf(property="mailboxType", values=("shared",))),
    (Source.SIGN_IN_ACTIVITY, InactiveFor(duration=MONTH)),
    (Source.USAGE, InactiveIn(services=("teams",), duration=MONTH)),
    (Source.COPILOT_USAGE, InactiveIn(services=("copilot",), duration=MONTH)),
    (Source.APP_USAGE, AppsUnused(period="D90")),
    (Source.MAILBOX_USAGE, MailboxLargerThan(size=1000)),
    (Source.MAILBOX_USAGE, MailboxArchive()),
    (Source.DEVICES, ManagedDevice()),
    (Source.MEMBERS, MemberOf(groups=("Partners",))),
    (Source.DIRECTORY_ROLES, HasRole()),
    (Source.CONDITIONAL_ACCESS, CoveredBy()),
]


def outcome_of(check: Check[Any], refused: Source | None = None) -> PolicyOutcome:
    snapshot = fixture_snapshot("contoso", STATE, builtin(), NOW)
    sources = tuple(
        replace(item, status=SourceStatus.DENIED, asked=()) if item.name is refused else item
        for item in snapshot.manifest.sources
    )
    snapshot = replace(snapshot, manifest=replace(snapshot.manifest, sources=sources))
    bound = bind(POLICIES, TenantFacts(snapshot, builtin(), POLICIES, NOW), (check,))
    (outcome,) = evaluate(bound, evaluated_batches(bound)).outcomes
    return outcome


@pytest.mark.parametrize(("source", "selector"), OF_SOURCE)
def test_selector_of_a_check_needs_its_source(source: Source, selector: Selector) -> None:
    check = replace(CHECK, id="user.selected", selectors=lambda _: (selector,))
    assert source in check_needs(check, POLICY.constraint).sources
    complete = outcome_of(check)
    assert (complete.status.value, complete.findings) == ("fail", 1)
    refused = outcome_of(check, source)
    assert (refused.status.value, refused.findings, refused.missing) == ("not-evaluated", 0, (source.value,))
