"""Bounds and subscriptions that a result carries: through files, merges and redaction, and out of older files."""

import json
from datetime import UTC, datetime

import pytest

from auditor.app.audit.merge import merge, policies_of
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.redaction.pseudonyms import Key
from auditor.app.redaction.redact import redacted
from auditor.catalogue import builtin
from auditor.domain.result.model import Result, SeatBounds, TenantResult
from auditor.history import load
from auditor.policy.loader import load as load_policies
from auditor.render import render
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import NOW, bought, sku_id, tenant, user

KEY = Key(secret=b"a key of 16 bytes or more", stable=True)
POLICIES = b"""version: 1
policies:
- {id: nobody, severity: high, assignments: {deny: [SPE_E5]}}
- {id: spare, severity: low, seats: {of: [SPE_E3], spare: {min: 2, max: 50%}}}
"""


def state(name: str) -> Snapshot:
    bought_for_a_year = {
        "id": f"sub-{name}", "skuId": sku_id("SPE_E3"), "skuPartNumber": "SPE_E3", "status": "Enabled",
        "isTrial": False, "totalLicenses": 20, "nextLifecycleDateTime": "2027-06-30T00:00:00Z",
    }  # fmt: skip
    return tenant(
        user("ann", "SPE_E5"), name=name, tenant_id=f"{name}-id",
        subscribedSkus=[bought("SPE_E3", 20, 15), bought("SPE_E5", 5, 1)], subscriptions=[bought_for_a_year],
    )  # fmt: skip


def audited(*names: str) -> Result:
    return audit(map(state, names), load_policies([("p.yaml", POLICIES)]).policies, builtin(), NOW)


def body(of: Result) -> bytes:
    return b"".join(render(of, "json", locale="en").chunks())


def check(tenant: TenantResult) -> None:
    assert [each.bounds for each in tenant.seats] == [
        (SeatBounds(policy="spare", usable=20, minimum=2, maximum=10),),
        (),
    ]
    assert [(each.id, each.total_licenses, each.next_lifecycle_date_time) for each in tenant.subscriptions] == [
        (f"sub-{tenant.name}", 20, datetime(2027, 6, 30, tzinfo=UTC))
    ]


@pytest.mark.slow
def test_a_merge_keeps_what_each_tenant_carries_to_the_byte() -> None:
    whole = audited("adatum", "contoso")
    shards = [(f"{name}.json", load(body(audited(name)))) for name in ("contoso", "adatum")]
    again = merge(shards, builtin())
    for each in again.tenants:
        check(each)
    assert json.loads(body(again))["tenants"] == json.loads(body(remedied(whole, policies_of(whole))))["tenants"]


def test_redaction_takes_nothing_of_it_and_leaves_nobody_in_it() -> None:
    (tenant,) = redacted(audited("contoso"), KEY).tenants
    check(tenant)
    assert b"ann@" not in body(redacted(audited("contoso"), KEY))


def test_a_result_of_an_older_version_carries_neither_and_is_read() -> None:
    document = json.loads(body(audited("contoso")))
    for each in document["tenants"]:
        del each["subscriptions"]
        for seats in each["seats"]:
            del seats["bounds"]
    (tenant,) = load(json.dumps(document).encode()).tenants
    assert tenant.subscriptions == ()
    assert [each.bounds for each in tenant.seats] == [(), ()]
