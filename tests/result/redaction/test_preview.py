"""Redaction of previews: the differences are those between two redacted results."""

from collections.abc import Iterable

from msgspec.structs import replace

from auditor.app.policies.preview import difference
from auditor.domain.enums import Severity, SubjectType
from auditor.domain.preview import Difference, PolicyChange, Preview, Side
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.result.preview_counts import by_department, cost_changes
from auditor.result.redaction.preview import redacted_preview
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from tests.builders.result.audited_demo import AS_OF, demo_result

KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)
SIDE = Side(name="policies", commit=None, policy_digest="0" * 64, policies=1)


def with_findings(result: Result, left_out: int, severity: Severity) -> Result:
    """Return a result without every third finding; the severity of the third ones after them is changed."""

    def kept(findings: Iterable[Finding]) -> Iterable[Finding]:
        for number, finding in enumerate(findings):
            if number % 3 == 2:
                yield replace(finding, severity=severity)
            elif number % 3 != left_out:
                yield finding

    return replace(
        result,
        tenants=tuple(
            replace(tenant, findings=FindingTable.of(kept(tenant.findings)), actions=()) for tenant in result.tenants
        ),
    )


def differences(base: Result, head: Result) -> tuple[Difference, ...]:
    return tuple(
        replace(
            difference(after.name, before.findings, after.findings, after.policies),
            costs=cost_changes(before.findings, after.findings),
        )
        for before, after in zip(base.tenants, head.tenants, strict=True)
    )


def test_redacted_differences_are_those_of_redacted_results() -> None:
    base, head = (
        with_findings(demo_result(), part, severity) for part, severity in ((0, Severity.LOW), (1, Severity.HIGH))
    )
    preview = Preview(
        tool_version="1", as_of=AS_OF, base=SIDE, head=SIDE, tenants=differences(base, head), fleet=Difference(name=""),
        policies=(), unknown=(), complete=True,
    )  # fmt: skip
    hidden = redacted_preview(preview, base, head, KEY)
    expected = replace(preview, tenants=differences(redacted(base, KEY), redacted(head, KEY)))
    for tenant, reference in zip(hidden.tenants, expected.tenants, strict=True):
        assert tenant.added
        assert tenant.removed
        assert tenant.changed
        assert (tenant.added, tenant.removed, tenant.changed) == (reference.added, reference.removed, reference.changed)
        assert set(tenant.costs) == set(reference.costs)
    assert by_department(hidden) == by_department(expected)


def test_people_in_titles_of_policies_are_replaced() -> None:
    result = demo_result()
    subject = next(f.subject for f in result.tenants[0].findings if f.subject.type is SubjectType.USER)
    header = replace(result.run.policies[0], title=f"Licences of {subject.name}")
    head = replace(result, run=replace(result.run, policies=(header, *result.run.policies[1:])))
    changed = PolicyChange(id=header.id, title=header.title, before=None, after=header.severity, edited=True)
    preview = Preview(
        tool_version="1", as_of=AS_OF, base=SIDE, head=SIDE, tenants=(), fleet=Difference(name=""),
        policies=(changed,), unknown=(), complete=True,
    )  # fmt: skip
    (hidden,) = redacted_preview(preview, result, head, KEY).policies
    assert hidden.title == f"Licences of {KEY.person(result.tenants[0].tenant_id, subject.id)}"
