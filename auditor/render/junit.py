"""A Result into JUnit XML: a suite per tenant, a case per policy, for the test tabs of CI systems."""

from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from auditor.domain.result import Finding, PolicyHeader, PolicyOutcome, Result
from auditor.domain.words import Outcome, Status
from auditor.render.artifact import Artifact
from auditor.render.document import instant
from auditor.render.rows import Context, sentence
from auditor.render.visible import visible
from auditor.render.words import Words

_LINES: Final = 100
"""Findings that one case lists; the rest are counted."""


def render(result: Result, *, locale: str) -> Artifact:
    """Write open findings as failures; waived policies and those not evaluated as skipped, with the reason."""
    words = Words(locale)
    headers = {policy.id: policy for policy in result.run.policies}
    root = Element("testsuites", name="m365-license-auditor")
    stamp = instant(result.run.as_of).removesuffix("Z")
    for tenant in result.tenants:
        suite = _suite(root, tenant.name, stamp)
        if tenant.failure is not None:
            case = SubElement(suite, "testcase", classname=visible(tenant.name), name="audit")
            SubElement(case, "error", message=visible(words.told(tenant.failure)), type="not-audited")
        _cases(suite, tenant.policies, tenant.findings, Context.of_tenant(tenant, headers, words))
        _count(suite)
    if result.fleet.policies:
        suite = _suite(root, "fleet", stamp)
        _cases(suite, result.fleet.policies, result.fleet.findings, Context.of_fleet(result, headers, words))
        _count(suite)
    # Jenkins' schema knows no number of skipped cases here, only at each suite.
    for kind in ("tests", "failures", "errors"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    indent(root)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    return Artifact(name="junit.xml", media_type="application/xml", body=body)


def _suite(root: Element, name: str, stamp: str) -> Element:
    return SubElement(root, "testsuite", name=visible(name), timestamp=stamp)


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite)))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))


def _cases(suite: Element, outcomes: Iterable[PolicyOutcome], findings: Iterable[Finding], context: Context) -> None:
    by_policy: dict[str, list[Finding]] = {}
    for finding in findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    for outcome in outcomes:
        header = context.headers.get(outcome.id)
        case = SubElement(suite, "testcase", classname=suite.get("name", ""), name=visible(outcome.id))
        if header is not None:
            case.set("file", visible(header.source.file))
            case.set("line", str(header.source.line))
        _judge(case, outcome, by_policy.get(outcome.id, []), header, context)


def _judge(
    case: Element, outcome: PolicyOutcome, findings: list[Finding], header: PolicyHeader | None, context: Context
) -> None:
    """Add what became of a policy; certain findings stand even where the rest of it could not be evaluated."""
    open_ = [finding for finding in findings if finding.status is Status.OPEN]
    words = context.words
    title = visible((header.title if header is not None else "") or outcome.id)
    if open_:
        counted = words.ngettext("{count} open", "{count} open", len(open_))
        failure = SubElement(case, "failure", message=f"{title}: {counted}", type=open_[0].severity.value)
        lines = [visible(sentence(finding, context)) for finding in open_[:_LINES]]
        rest = len(open_) - _LINES
        lines += [words.ngettext("and {count} more", "and {count} more", rest)] if rest > 0 else []
        failure.text = "\n".join(lines)
    elif outcome.status is Outcome.WAIVED:
        waivers = sorted({finding.waiver or "" for finding in findings})
        waived = words.gettext("waived: {waivers}").replace("{waivers}", ", ".join(waivers))
        SubElement(case, "skipped", message=visible(waived))
    if outcome.status is Outcome.NOT_EVALUATED and not open_:
        unknown = words.gettext("cannot tell: {reason}").replace("{reason}", words.told(outcome.reason or ""))
        SubElement(case, "skipped", message=visible(unknown))
