"""Renders a Result as JUnit XML for the test reports of CI systems: a suite per tenant, a case per policy."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from auditor.domain.enums import Outcome, Status
from auditor.domain.message import NOTHING
from auditor.domain.result.finding import Finding, Findings
from auditor.domain.result.model import FleetResult, PolicyOutcome, Result, TenantResult
from auditor.render.ci.result_parts import ResultPart, parts_of
from auditor.render.formats import RenderOptions
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible
from auditor.render.view.rows import Context, sentence
from auditor.result.aggregate import listed_findings
from auditor.result.codec.encoder import instant

_MAX_LINES: Final = 100
"""Findings that are listed per case; the others are counted."""
_END: Final = b"</testsuites>"


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render open findings as failures; waived, report-only and not evaluated policies are skipped, with the reason.

    Of very many findings only a sample is listed, with the number of the others and the file that contains them.
    """
    # Suite by suite, because the elements of a large fleet need too much memory.
    l10n = Labels(options.locale)
    parts = parts_of(result, l10n)
    root = Element("testsuites", name="m365-license-auditor")
    for kind, number in _totals(parts).items():
        root.set(kind, str(number))
    if parts:
        root.text = "\n"
    empty: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    yield empty.removesuffix(_END)
    stamp = instant(result.run.as_of).removesuffix("Z")
    for part in parts:
        findings = (
            listed_findings(result, (part.result,))[part.name]
            if isinstance(part.result, TenantResult)
            else part.result.findings
        )
        suite = _suite(part, findings, stamp, l10n)
        indent(suite, level=1)
        yield b"  " + tostring(suite, encoding="utf-8", xml_declaration=False) + b"\n"
    yield (_END if parts else b"") + b"\n"


def _totals(parts: Iterable[ResultPart]) -> dict[str, int]:
    """Count the cases of all suites in advance; in Jenkins' schema, the root element has no number of skipped cases."""
    tests = failures = errors = 0
    for part in parts:
        open_counts = _open_counts(part.result.findings)
        errors += part.failure is not None
        tests += len(part.result.policies) + (part.failure is not None)
        failures += sum(open_counts.get(outcome.id, 0) > 0 for outcome in part.result.policies)
    return {"tests": tests, "failures": failures, "errors": errors}


def _open_counts(findings: Findings) -> Mapping[str, int]:
    """Count open findings by policy."""
    return {policy: counts.open for policy, counts in findings.stats.policies.items()}


def _suite(part: ResultPart, findings: Iterable[Finding], stamp: str, l10n: Labels) -> Element:
    name = visible(part.label)
    suite = Element("testsuite", name=name, timestamp=stamp)
    if part.failure is not None:
        case = SubElement(suite, "testcase", classname=name, name="audit")
        SubElement(case, "error", message=visible(l10n.translate(part.failure)), type="not-audited")
    _cases(suite, part.result, findings, part.context())
    suite.set("tests", str(len(suite)))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _cases(suite: Element, result: TenantResult | FleetResult, findings: Iterable[Finding], context: Context) -> None:
    by_policy: dict[str, list[Finding]] = {}
    for finding in findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    open_counts = _open_counts(result.findings)
    waivers = _waivers(result, by_policy)
    for outcome in result.policies:
        header = context.headers.get(outcome.id)
        case = SubElement(suite, "testcase", classname=suite.get("name", ""), name=visible(outcome.id))
        if header is not None:
            case.set("file", visible(header.source.file))
            case.set("line", str(header.source.line))
        if open_counts.get(outcome.id, 0) > 0:
            _fail(case, outcome, by_policy.get(outcome.id, []), open_counts[outcome.id], context)
        else:
            _skip(case, outcome, waivers.get(outcome.id, set()), context.l10n)


def _waivers(result: TenantResult | FleetResult, by_policy: Mapping[str, Sequence[Finding]]) -> Mapping[str, set[str]]:
    """Return the waiver ids of each fully waived policy; reads all findings if not all of these are listed."""
    waivers: dict[str, set[str]] = {
        outcome.id: set() for outcome in result.policies if outcome.status is Outcome.WAIVED
    }
    totals = {policy: counts.found for policy, counts in result.findings.stats.policies.items()}
    listed = {policy: by_policy.get(policy, ()) for policy in waivers}
    all_listed = all(len(findings) >= totals.get(policy, 0) for policy, findings in listed.items())
    for finding in chain.from_iterable(listed.values()) if all_listed else result.findings:
        if finding.policy in waivers:
            waivers[finding.policy].add(finding.waiver or "")
    return waivers


def _fail(case: Element, outcome: PolicyOutcome, findings: Sequence[Finding], count: int, context: Context) -> None:
    """Add a failure for the open findings of a policy, even if the policy could not be evaluated completely."""
    l10n = context.l10n
    open_findings = [finding for finding in findings if finding.status is Status.OPEN]
    title = visible(context.policy_title(outcome.id))
    text = l10n.plural("{count} open", "{count} open", count)
    # The first findings of every policy are listed, and all findings of a policy have the same severity.
    severity = (open_findings or findings)[0].severity
    failure = SubElement(case, "failure", message=f"{title}: {text}", type=severity.value)
    lines = [visible(sentence(finding, context)) for finding in open_findings[:_MAX_LINES]]
    remaining = count - len(lines)
    if remaining:
        lines.append(l10n.more(remaining, file="findings.csv" if count > len(open_findings) else ""))
    failure.text = "\n".join(lines)


def _skip(case: Element, outcome: PolicyOutcome, waivers: Iterable[str], l10n: Labels) -> None:
    """Add the reason why a policy without open findings did not pass, if so."""
    match outcome.status:
        case Outcome.WAIVED:
            text = l10n.gettext("waived: {waivers}", waivers=", ".join(sorted(waivers)))
        case Outcome.REPORT_ONLY:
            text = l10n.plural("{count} report-only", "{count} report-only", outcome.findings)
        case Outcome.NOT_EVALUATED:
            text = l10n.gettext("cannot be evaluated: {reason}", reason=l10n.translate(outcome.reason or NOTHING))
        case _:
            return
    SubElement(case, "skipped", message=visible(text))
