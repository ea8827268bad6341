"""The page about the outcome of a plan: how it names what findings are about."""

from msgspec.structs import replace

from auditor.domain.enums import Severity, SubjectType
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import ProductSetMembers
from auditor.domain.result.verification import FindingState, FindingVerdict, TenantVerification, freed_by
from auditor.render.text.labels import Labels
from auditor.render.verification.view import sections
from tests.builders.result.results import result


def test_finding_about_a_required_set_names_its_products() -> None:
    audit = result()
    tenant, *_ = audit.tenants
    first, second, *_ = tenant.seats
    finding = FindingVerdict(
        fingerprint="f",
        state=FindingState.NEW,
        policy="p",
        check="assignment.missing",
        severity=Severity.LOW,
        subject=Subject(type=SubjectType.USER, id="u", name="Ann"),
        product=ProductReference(sku_id=None, sku_part_number="paid"),
    )
    verification = TenantVerification(planned_at=audit.run.as_of, actions=(), findings=(finding,), freed=freed_by(()))
    members = ProductSetMembers(written="paid", sku_ids=(first.sku_id, second.sku_id))
    tenant = replace(tenant, verification=verification, product_sets=(members,))
    (item,) = sections(replace(audit, tenants=(tenant,)), Labels("en"))[-1].items
    assert item == f"product missing, {' or '.join(sorted((first.name, second.name)))} (low, p): Ann"
