"""Seat bounds and subscriptions in a result: kept by files, merges and redaction, optional in older files."""

import json
from datetime import UTC, datetime

import pytest

from auditor.app.audit.merge import merge
from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.result.model import Result, SeatBounds, TenantResult
from auditor.policy.loader import load as load_policies
from auditor.result.codec.result_reader import load
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.model import Snapshot
from tests.builders.result.rendered import rendered_bytes
from tests.builders.tenant.tenants import NOW, bought, sku_id, tenant, user

KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)
POLICIES = b"""version: 1
policies:
- {id: nobody, severity: high, assignments: {deny: [SPE_E5]}}
- {id: spare, severity: low, seats: {of: [SPE_E3], spare: {min: 2, max: 50%}}}
"""


def state(name: str) -> Snapshot:
    annual_subscription = {
        "id": f"sub-{name}", "skuId": sku_id("SPE_E3"), "skuPartNumber": "SPE_E3", "status": "Enabled",
        "isTrial": False, "totalLicenses": 20, "nextLifecycleDateTime": "2027-06-30T00:00:00Z",
    }  # fmt: skip
    return tenant(
        user("ann", "SPE_E5"), name=name, tenant_id=f"{name}-id",
        subscribedSkus=[bought("SPE_E3", 20, 15), bought("SPE_E5", 5, 1)], subscriptions=[annual_subscription],
    )  # fmt: skip


def audit_result(*names: str) -> Result:
    return audit(map(state, names), load_policies([("p.yaml", POLICIES)]).policies, builtin(), NOW)


def body(result: Result) -> bytes:
    return rendered_bytes(result, "json")


def assert_values(tenant: TenantResult) -> None:
    assert [seats.bounds for seats in tenant.seats] == [
        (SeatBounds(policy="spare", usable=20, minimum=2, maximum=10),),
        (),
    ]
    assert [(row.id, row.total_licenses, row.next_lifecycle_date_time) for row in tenant.subscriptions] == [
        (f"sub-{tenant.name}", 20, datetime(2027, 6, 30, tzinfo=UTC))
    ]


@pytest.mark.slow
def test_merge_keeps_bounds_and_subscriptions_of_each_tenant() -> None:
    single = audit_result("adatum", "contoso")
    shards = [(f"{name}.json", load(body(audit_result(name)))) for name in ("contoso", "adatum")]
    merged = merge(shards, builtin())
    for tenant_result in merged.tenants:
        assert_values(tenant_result)
    assert json.loads(body(merged))["tenants"] == json.loads(body(single))["tenants"]


@pytest.mark.slow
def test_redaction_keeps_bounds_and_subscriptions_without_names() -> None:
    (tenant,) = redacted(audit_result("contoso"), KEY).tenants
    assert_values(tenant)
    assert b"ann@" not in body(redacted(audit_result("contoso"), KEY))


def test_result_of_an_older_version_without_bounds_and_subscriptions_is_read() -> None:
    document = json.loads(body(audit_result("contoso")))
    for tenant_row in document["tenants"]:
        del tenant_row["subscriptions"]
        for seats in tenant_row["seats"]:
            del seats["bounds"]
    (tenant,) = load(json.dumps(document).encode()).tenants
    assert tenant.subscriptions == ()
    assert [seats.bounds for seats in tenant.seats] == [(), ()]
