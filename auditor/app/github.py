"""A Result into what a GitHub Actions job shows of it: step summary, annotations and outputs, by themselves."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from auditor.app.reporting import Output
from auditor.deliver.github import Annotation, Type, annotation_lines, append_outputs, append_summary
from auditor.domain.errors import Diagnostic, Level, printable
from auditor.domain.result import Finding, PolicyOutcome, Result, SourceLine, TenantResult
from auditor.domain.words import Outcome, Severity, SourceStatus, Status
from auditor.render import render

_TYPES: Final[Mapping[Severity, Type]] = {
    Severity.CRITICAL: Type.ERROR,
    Severity.HIGH: Type.ERROR,
    Severity.MEDIUM: Type.WARNING,
    Severity.LOW: Type.NOTICE,
    Severity.INFO: Type.NOTICE,
}
_CUT: Final = "_The summary ends here; the whole of it is in the report._"


def in_actions(environ: Mapping[str, str]) -> bool:
    """Whether a GitHub Actions job runs this program."""
    return environ.get("GITHUB_ACTIONS") == "true"


def publish(
    result: Result, told: Result, wanted: Output, *, locale: str, code: int, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Write the summary and the outputs, and return the annotations as lines to print; nothing outside of a job.

    `told` is the result in the language of `locale`. DeliveryError when one of the job's files cannot be written.
    """
    if not in_actions(environ):
        return ()
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        text = b"".join(render(told, "markdown", locale=locale).chunks()).decode("utf-8", "replace")
        append_summary(Path(summary), text, notice=_CUT)
    publish_outputs(outputs_of(result, wanted, code=code), environ)
    return tuple(annotation_lines(annotations_of(result, environ)))


def publish_outputs(outputs: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Write outputs of the step where a job reads them."""
    if in_actions(environ) and (path := environ.get("GITHUB_OUTPUT")):
        append_outputs(Path(path), outputs)


def outputs_of(result: Result, wanted: Output, *, code: int) -> dict[str, str]:
    """Return the outputs: places and numbers, never a name of a person."""
    places = {name: path for name, path in wanted.files if path is not None}
    highest = next((severity for severity in Severity if result.summary.open.get(severity, 0)), None)
    return {
        "result": str(places.get("json", "")),
        "report": str(places.get("html", "")),
        "sarif": str(places.get("sarif", "")),
        "findings": str(sum(result.summary.open.values())),
        "highest-severity": "none" if highest is None else highest.value,
        "complete": "true" if result.complete else "false",
        "exit-code": str(code),
    }


def annotations_of(result: Result, environ: Mapping[str, str]) -> list[Annotation]:
    """Return what could not be read, then one annotation for each policy that fired, by severity; people are counted.

    They stand on the lines of the policies: a tenant has none.
    """
    found = [_unread(tenant.name, reason) for tenant in result.tenants for reason in _reasons(tenant)]
    found += [_unread("all tenants together", reason) for reason in _not_evaluated(result.fleet.policies)]
    findings = [
        (tenant.display_name or tenant.name, finding) for tenant in result.tenants for finding in tenant.findings
    ]
    findings += [("all tenants together", finding) for finding in result.fleet.findings]
    titles = {policy.id: policy.title or policy.id for policy in result.run.policies}
    fired: dict[tuple[int, str], list[tuple[str, Finding]]] = {}
    order = list(Severity)
    for where, finding in findings:
        if finding.status is Status.OPEN:
            fired.setdefault((order.index(finding.severity), finding.policy), []).append((where, finding))
    return found + [_fired(titles.get(policy, policy), fired[rank, policy], environ) for rank, policy in sorted(fired)]


def _fired(title: str, members: list[tuple[str, Finding]], environ: Mapping[str, str]) -> Annotation:
    """Return the annotation of a policy that fired: how often, and in which tenants."""
    finding = members[0][1]
    counts = Counter(where for where, _ in members)
    told = ", ".join(f"{printable(where)}: {count}" for where, count in sorted(counts.items()))
    noun = "finding" if len(members) == 1 else "findings"
    return Annotation(
        type=_TYPES[finding.severity],
        title=printable(f"{title} ({finding.severity.value})"),
        message=f"{len(members)} open {noun} of {printable(finding.policy)}: {told}",
        file=_file(finding.source, environ),
        line=finding.source.line,
    )


def diagnostic_lines(diagnostics: tuple[Diagnostic, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the annotations of what is wrong with an input, at its lines; nothing outside of a job."""
    if not in_actions(environ):
        return ()
    return tuple(
        annotation_lines(
            [
                Annotation(
                    type=Type.ERROR if one.level is Level.ERROR else Type.WARNING,
                    title=f"auditor: {one.slug}",
                    message=printable(one.message) + (f"\nhelp: {printable(one.hint)}" if one.hint else ""),
                    file=None if one.span is None else _file(SourceLine(file=one.span.file, line=1), environ),
                    line=1 if one.span is None else one.span.line,
                )
                for one in diagnostics
            ]
        )
    )


def _reasons(tenant: TenantResult) -> list[str]:
    """Return why a tenant's answer is not whole: it was not audited, a source was not read, a policy not judged."""
    if tenant.failure is not None:
        return [f"not audited: {tenant.failure}"]
    gaps = [
        f"{source.name.value} {source.status.value}: {source.reason or 'no reason is known'}"
        for source in tenant.sources
        if source.status in {SourceStatus.PARTIAL, SourceStatus.DENIED, SourceStatus.UNAVAILABLE}
    ]
    gaps += _not_evaluated(tenant.policies)
    return gaps if gaps or tenant.complete else ["the tenant was not read whole"]


def _not_evaluated(policies: tuple[PolicyOutcome, ...]) -> list[str]:
    unknown = [policy.id for policy in policies if policy.status is Outcome.NOT_EVALUATED]
    return [f"not evaluated: {', '.join(unknown)}"] if unknown else []


def _unread(tenant: str, reason: str) -> Annotation:
    return Annotation(
        type=Type.ERROR, title=f"The audit of {printable(tenant)} is incomplete", message=printable(reason)
    )


def _file(source: SourceLine, environ: Mapping[str, str]) -> str | None:
    """Return a file's path from the root of the repository; None for a file that is not in it."""
    path = Path(source.file)
    root = Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()
    try:
        there = path.resolve()
        return there.relative_to(root).as_posix() if there.is_file() else None
    except (OSError, ValueError):
        return None
