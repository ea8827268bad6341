"""The page about the outcome of a plan: how it names what findings are about."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity, SubjectType
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import ProductSetMembers
from auditor.domain.result.verification import (
    ActionVerdict,
    FindingState,
    FindingVerdict,
    TenantVerification,
    Verdict,
    freed_by,
)
from auditor.render.text.labels import Labels
from auditor.render.verification import sections, verification_html
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


def test_actions_have_the_numbers_of_the_plan_instead_of_bullets() -> None:
    audit = result()
    actions = tuple(
        ActionVerdict(
            number=number, id=str(number), title=f"Buy <{number}>", kind="buy", verdict=Verdict.NOT, requests=0, done=0
        )
        for number in (2, 15)
    )
    verification = TenantVerification(planned_at=audit.run.as_of, actions=actions, findings=(), freed=freed_by(()))
    audit = replace(audit, tenants=(replace(audit.tenants[0], verification=verification),))
    page = b"".join(verification_html(audit, locale="en")).decode()
    assert '<ol>\n<li value="2">Buy &lt;2&gt;</li>\n<li value="15">Buy &lt;15&gt;</li>\n</ol>' in page
    assert "<ul>" not in page
    assert sections(audit, Labels("en"), most=1)[-1].lines == ("2. Buy <2>", "and 1 more")


def test_actions_with_the_most_severe_findings_are_first() -> None:
    audit = result()
    severities = {"minor": Severity.LOW, "worst": Severity.CRITICAL, "middle": Severity.MEDIUM}
    findings = tuple(
        replace(finding, fingerprint=name, severity=severity)
        for (name, severity), finding in zip(severities.items(), findings_about(SubjectType.USER), strict=False)
    )
    fixes = (("minor",), (), ("minor", "worst"), ("middle",))
    actions = tuple(
        ActionVerdict(
            number=number,
            id=str(number),
            title="T",
            kind="buy",
            verdict=Verdict.NOT,
            requests=0,
            done=0,
            findings=fixed,
        )
        for number, fixed in enumerate(fixes, start=1)
    )
    verification = TenantVerification(
        planned_at=audit.run.as_of, actions=actions, findings=findings, freed=freed_by(())
    )
    audit = replace(audit, tenants=(replace(audit.tenants[0], verification=verification),))
    _, _, section, *_ = sections(audit, Labels("en"))
    assert section.numbers == (3, 4, 1, 2)


def test_findings_of_omitted_lines_are_counted() -> None:
    """Findings about several people are one line."""
    audit = result()
    findings = tuple(
        FindingVerdict(
            fingerprint=f"{policy}{name}",
            state=FindingState.NEW,
            policy=policy,
            check="assignment.missing",
            severity=Severity.LOW,
            subject=Subject(type=SubjectType.USER, id=name, name=name),
            product=None,
        )
        for policy, names in {"a": ["Ann", "Bob"], "b": ["Ann", "Bob", "Cy"]}.items()
        for name in names
    )
    verification = TenantVerification(planned_at=audit.run.as_of, actions=(), findings=findings, freed=freed_by(()))
    audit = replace(audit, tenants=(replace(audit.tenants[0], verification=verification),))
    assert sections(audit, Labels("en"), most=1)[-1].items == ("product missing (low, a): Ann, Bob", "and 3 more")


def test_tenants_after_the_first_ones_are_counted() -> None:
    audit = result()
    verification = TenantVerification(planned_at=audit.run.as_of, actions=(), findings=(), freed=freed_by(()))
    tenants = tuple(replace(audit.tenants[0], display_name=name, verification=verification) for name in "abc")
    audit = replace(audit, tenants=tenants)
    _, *titles = (section.title for section in sections(audit, Labels("en"), most=1))
    assert titles == ["a", "2 more tenants in the reports"]
    for most in (None, 3):
        _, *titles = (section.title for section in sections(audit, Labels("en"), most=most))
        assert titles == ["a", "b", "c"]


def findings_about(subject: SubjectType) -> tuple[FindingVerdict, ...]:
    return tuple(
        FindingVerdict(
            fingerprint=f"{subject}{number}",
            state=FindingState.NEW,
            policy="p",
            check="assignment.missing",
            severity=Severity.LOW,
            subject=Subject(type=subject, id=f"n{number}", name=f"n{number}"),
            product=None,
        )
        for number in range(7)
    )


def last_lines(*findings: FindingVerdict) -> list[str]:
    """Return the lines of the last section of a Turkish page with these findings."""
    audit = result()
    verification = TenantVerification(planned_at=audit.run.as_of, actions=(), findings=findings, freed=freed_by(()))
    audit = replace(audit, tenants=(replace(audit.tenants[0], verification=verification),))
    return list(sections(audit, Labels("tr"), most=5)[-1].lines)


@pytest.mark.parametrize(("subject", "text"), [("user", "n4 ve 2 ki\u015fi daha"), ("group", "n4 ve 2 tane daha")])
def test_only_people_are_counted_as_people(subject: str, text: str) -> None:
    (line,) = last_lines(*findings_about(SubjectType(subject)))
    assert line.endswith(text)


def test_groups_of_a_policy_about_people_too_are_not_counted_as_people() -> None:
    people, groups = last_lines(*findings_about(SubjectType.USER), *findings_about(SubjectType.GROUP))
    assert people.endswith("n4 ve 2 ki\u015fi daha")
    assert groups.endswith("n4 ve 2 tane daha")
