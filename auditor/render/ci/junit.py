"""A Result into JUnit XML: a suite per tenant, a case per policy, for the test tabs of CI systems."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from auditor.domain.enums import Outcome, Status
from auditor.domain.message import NOTHING, Message
from auditor.domain.result.finding import Finding, Findings
from auditor.domain.result.model import FleetResult, PolicyOutcome, Result, TenantResult
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.html.rows import Context, sentence
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible
from auditor.result.aggregate import shown
from auditor.result.codec.encoder import instant

_LINES: Final = 100
"""Findings that one case lists; the rest are counted."""
_END: Final = b"</testsuites>"


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write open findings as failures; policies waived, report-only or not evaluated as skipped, with the reason.

    Where nobody holds the findings, those shown are listed, and how many more there are is said with where they stand.
    """
    return Artifact(name="junit.xml", media_type="application/xml", body=_pieces(result, Labels(options.locale)))


def _pieces(result: Result, l10n: Labels) -> Iterator[bytes]:
    """Yield the document suite by suite: of a large fleet it is too long to be held as elements."""
    parts = _parts(result, l10n)
    root = Element("testsuites", name="m365-license-auditor")
    for kind, number in _numbers(parts).items():
        root.set(kind, str(number))
    if parts:
        root.text = "\n"
    empty: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    yield empty.removesuffix(_END)
    stamp = instant(result.run.as_of).removesuffix("Z")
    for part in parts:
        suite = _suite(part, stamp, l10n)
        indent(suite, level=1)
        yield b"  " + tostring(suite, encoding="utf-8", xml_declaration=False) + b"\n"
    yield (_END if parts else b"") + b"\n"


class _Part(Struct, frozen=True, kw_only=True):
    """What a suite is made of."""

    name: str
    of: TenantResult | FleetResult
    findings: Callable[[], Iterable[Finding]]
    """Those that are listed."""
    context: Callable[[], Context]
    failure: Message | None = None


def _parts(result: Result, l10n: Labels) -> list[_Part]:
    headers = {policy.id: policy for policy in result.run.policies}
    parts = [
        _Part(
            name=each.name,
            of=each,
            findings=partial(_listed, result, each),
            context=partial(Context.without_seats, each, headers, l10n),
            failure=each.failure,
        )
        for each in result.tenants
    ]
    if result.fleet.policies:
        fleet = result.fleet
        context = partial(Context.of_fleet, result, headers, l10n)
        parts.append(_Part(name="fleet", of=fleet, findings=partial(iter, fleet.findings), context=context))
    return parts


def _listed(result: Result, tenant: TenantResult) -> Sequence[Finding]:
    return shown(result, (tenant,))[tenant.name]


def _numbers(parts: Iterable[_Part]) -> dict[str, int]:
    """Count the cases of all suites before one is made; Jenkins' schema knows no number of skipped ones here."""
    tests = failures = errors = 0
    for part in parts:
        opened = _opened(part.of.findings)
        errors += part.failure is not None
        tests += len(part.of.policies) + (part.failure is not None)
        failures += sum(opened.get(outcome.id, 0) > 0 for outcome in part.of.policies)
    return {"tests": tests, "failures": failures, "errors": errors}


def _opened(findings: Findings) -> Mapping[str, int]:
    """Count open findings by policy."""
    return {policy: counts.open for policy, counts in findings.stats.policies.items()}


def _suite(part: _Part, stamp: str, l10n: Labels) -> Element:
    name = visible(part.name)
    suite = Element("testsuite", name=name, timestamp=stamp)
    if part.failure is not None:
        case = SubElement(suite, "testcase", classname=name, name="audit")
        SubElement(case, "error", message=visible(l10n.translate(part.failure)), type="not-audited")
    _cases(suite, part.of, part.findings(), part.context())
    suite.set("tests", str(len(suite)))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _cases(suite: Element, of: TenantResult | FleetResult, findings: Iterable[Finding], context: Context) -> None:
    by_policy: dict[str, list[Finding]] = {}
    for finding in findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    opened = _opened(of.findings)
    waivers = _waivers(of, by_policy)
    for outcome in of.policies:
        header = context.headers.get(outcome.id)
        case = SubElement(suite, "testcase", classname=suite.get("name", ""), name=visible(outcome.id))
        if header is not None:
            case.set("file", visible(header.source.file))
            case.set("line", str(header.source.line))
        if opened.get(outcome.id, 0) > 0:
            _fail(case, outcome, by_policy.get(outcome.id, []), opened[outcome.id], context)
        else:
            _skip(case, outcome, waivers.get(outcome.id, set()), context.l10n)


def _waivers(of: TenantResult | FleetResult, by_policy: Mapping[str, Sequence[Finding]]) -> Mapping[str, set[str]]:
    """Return what waives each policy of which everything is waived; what is not shown of those is walked for that."""
    waivers: dict[str, set[str]] = {outcome.id: set() for outcome in of.policies if outcome.status is Outcome.WAIVED}
    totals = {policy: counts.found for policy, counts in of.findings.stats.policies.items()}
    listed = {policy: by_policy.get(policy, ()) for policy in waivers}
    whole = all(len(findings) >= totals.get(policy, 0) for policy, findings in listed.items())
    for finding in chain.from_iterable(listed.values()) if whole else of.findings:
        if finding.policy in waivers:
            waivers[finding.policy].add(finding.waiver or "")
    return waivers


def _fail(case: Element, outcome: PolicyOutcome, findings: Sequence[Finding], count: int, context: Context) -> None:
    """Add that findings of a policy are open: they stand even where the rest of it could not be evaluated."""
    l10n = context.l10n
    header = context.headers.get(outcome.id)
    open_ = [finding for finding in findings if finding.status is Status.OPEN]
    title = visible((header.title if header is not None else "") or outcome.id)
    text = l10n.ngettext("{count} open", "{count} open", count)
    # Of every policy the first are shown, and all of its findings are as severe.
    severity = (open_ or findings)[0].severity
    failure = SubElement(case, "failure", message=f"{title}: {text}", type=severity.value)
    lines = [visible(sentence(finding, context)) for finding in open_[:_LINES]]
    rest = count - len(lines)
    if count > len(open_):
        lines.append(l10n.ngettext("{count} more in findings.csv", "{count} more in findings.csv", rest))
    elif rest:
        lines.append(l10n.ngettext("and {count} more", "and {count} more", rest))
    failure.text = "\n".join(lines)


def _skip(case: Element, outcome: PolicyOutcome, waivers: Iterable[str], l10n: Labels) -> None:
    """Add why a policy without open findings was not passed, if it was not."""
    match outcome.status:
        case Outcome.WAIVED:
            text = l10n.gettext("waived: {waivers}").replace("{waivers}", ", ".join(sorted(waivers)))
        case Outcome.REPORT_ONLY:
            text = l10n.ngettext("{count} report-only", "{count} report-only", outcome.findings)
        case Outcome.NOT_EVALUATED:
            text = l10n.gettext("cannot be evaluated: {reason}").replace(
                "{reason}", l10n.translate(outcome.reason or NOTHING)
            )
        case _:
            return
    SubElement(case, "skipped", message=visible(text))
