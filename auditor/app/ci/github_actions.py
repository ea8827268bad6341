"""Writes the step summary, annotations and outputs of a GitHub Actions job."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from auditor.app.report.outputs import Output
from auditor.deliver.github.actions import Annotation, AnnotationType, annotation_lines, append_outputs, append_summary
from auditor.deliver.log_commands import in_github_actions
from auditor.domain.enums import Severity
from auditor.domain.errors import Diagnostic, Level, printable, printable_line
from auditor.domain.result.finding import Finding, PolicyStats
from auditor.domain.result.model import Result
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render import render
from auditor.render.text.labels import COUNTED_CHANGES, SEVERITIES, Labels
from auditor.render.text.summary import missing_data

_TYPES: Final[Mapping[Severity, AnnotationType]] = {
    Severity.CRITICAL: AnnotationType.ERROR,
    Severity.HIGH: AnnotationType.ERROR,
    Severity.MEDIUM: AnnotationType.WARNING,
    Severity.LOW: AnnotationType.NOTICE,
    Severity.INFO: AnnotationType.NOTICE,
}


def publish(
    result: Result, output: Output, *, locale: str, code: int, environ: Mapping[str, str], part: bool = False
) -> tuple[str, ...]:
    """Write the summary and the outputs of a job, and return the annotations as lines to print.

    `result` is the result in the language of `locale`. The `part` of a run has no summary: GitHub shows the summaries
    of all jobs below each other, and that of the merged result contains it. Raises DeliveryError if a file of the job
    cannot be written.
    """
    l10n = Labels(locale)
    if not part and (summary := environ.get("GITHUB_STEP_SUMMARY")):
        text = b"".join(render(result, "markdown", locale=locale)).decode("utf-8", "replace")
        notice = l10n.gettext("The summary is truncated; see the report for the full text.")
        append_summary(Path(summary), text, notice=f"_{notice}_")
    publish_outputs(outputs_of(result, output, code=code), environ)
    annotations = annotations_of(result, environ, l10n)
    return tuple(annotation_lines(annotations, lambda count: _remaining_annotation(count, l10n)))


def _remaining_annotation(count: int, l10n: Labels) -> Annotation:
    """Return the annotation with the number of annotations that GitHub does not show."""
    title = l10n.gettext("More in the report")
    return Annotation(type=AnnotationType.NOTICE, title=title, message=l10n.more(count))


def publish_outputs(outputs: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Write the outputs of the step; does nothing outside a job."""
    if in_github_actions(environ) and (path := environ.get("GITHUB_OUTPUT")):
        append_outputs(Path(path), outputs)


def outputs_of(result: Result, output: Output, *, code: int) -> dict[str, str]:
    """Return the outputs of the step: paths and counts, never names of users."""
    paths = {name: path for name, path in output.files if path is not None}
    highest = next((severity for severity in Severity if result.summary.open.get(severity, 0)), None)
    return {
        "result": str(paths.get("json", "")),
        "report": str(paths.get("html", "")),
        "sarif": str(paths.get("sarif", "")),
        "findings": str(sum(result.summary.open.values())),
        "highest-severity": "none" if highest is None else highest.value,
        "complete": "true" if result.complete else "false",
        "exit-code": str(code),
    }


def annotations_of(result: Result, environ: Mapping[str, str], l10n: Labels) -> list[Annotation]:
    """Return annotations for missing data, then one per policy with findings, by severity.

    They refer to the lines of the policies, and contain counts instead of names of users.
    """
    fleet = l10n.gettext("all tenants together")
    incomplete = [_incomplete_annotation(tenant, reason, l10n) for tenant, reason in missing_data(result, l10n)]
    names = tenant_titles(result.tenants)
    findings_by_tenant = [(names[tenant.name], tenant.findings) for tenant in result.tenants]
    titles = result.run.policy_titles
    findings_by_policy: dict[tuple[int, str], list[tuple[str, Finding, PolicyStats]]] = {}
    order = list(Severity)
    for tenant_name, findings in (*findings_by_tenant, (fleet, result.fleet.findings)):
        first = {finding.policy: finding for finding in reversed(findings.sample(1))}
        for policy, counts in findings.stats.policies.items():
            if counts.open:
                key = order.index(first[policy].severity), policy
                findings_by_policy.setdefault(key, []).append((tenant_name, first[policy], counts))
    return incomplete + [
        _policy_annotation(titles.get(policy, policy), findings_by_policy[rank, policy], environ, l10n)
        for rank, policy in sorted(findings_by_policy)
    ]


def _policy_annotation(
    title: str, tenant_findings: Sequence[tuple[str, Finding, PolicyStats]], environ: Mapping[str, str], l10n: Labels
) -> Annotation:
    """Return the annotation of a policy with the number of its findings by tenant, and of the changed ones."""
    finding = tenant_findings[0][1]
    counts: dict[str, Counter[str]] = {}
    for tenant_name, _, stats in tenant_findings:
        changes = {"open": stats.open, "new": stats.new, "reopened": stats.reopened}
        counts.setdefault(tenant_name, Counter()).update(changes)
    tenants = ", ".join(
        f"{printable(tenant_name)}: {_count_text(numbers, l10n)}" for tenant_name, numbers in sorted(counts.items())
    )
    text = l10n.plural(
        "{count} open finding of {policy}: {tenants}",
        "{count} open findings of {policy}: {tenants}",
        sum(numbers["open"] for numbers in counts.values()),
        policy=printable(finding.policy),
        tenants=tenants,
    )
    return Annotation(
        type=_TYPES[finding.severity],
        title=printable_line(f"{title} ({l10n.gettext(SEVERITIES[finding.severity])})"),
        message=text,
        file=_repository_path(finding.source.file, environ),
        line=finding.source.line,
    )


def _count_text(numbers: Mapping[str, int], l10n: Labels) -> str:
    changed = [l10n.plural(*COUNTED_CHANGES[key], numbers[key]) for key in ("new", "reopened") if numbers[key]]
    return l10n.number(numbers["open"]) + (f" ({l10n.joined(changed)})" if changed else "")


def diagnostic_lines(
    diagnostics: Iterable[Diagnostic], environ: Mapping[str, str], locale: str | None
) -> tuple[str, ...]:
    """Return the annotations of errors and warnings, in the language of `locale`, at their lines of an input."""
    l10n = Labels(locale or "en")
    return tuple(
        annotation_lines(
            [
                Annotation(
                    type=AnnotationType.ERROR if diagnostic.level is Level.ERROR else AnnotationType.WARNING,
                    title=f"auditor: {diagnostic.slug}",
                    message=printable_line(diagnostic.message)
                    + (f"\n{l10n.gettext('help')}: {printable_line(diagnostic.hint)}" if diagnostic.hint else ""),
                    file=None if diagnostic.span is None else _repository_path(diagnostic.span.file, environ),
                    line=1 if diagnostic.span is None else diagnostic.span.line,
                )
                for diagnostic in diagnostics
            ],
            lambda count: _remaining_annotation(count, l10n),
        )
    )


def _incomplete_annotation(tenant: str, reason: str, l10n: Labels) -> Annotation:
    title = l10n.gettext("The audit of {tenant} is incomplete", tenant=printable(tenant))
    return Annotation(type=AnnotationType.ERROR, title=title, message=printable_line(reason))


def _repository_path(file: str, environ: Mapping[str, str]) -> str | None:
    """Return a path relative to the repository; None for a file outside it."""
    root = Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()
    try:
        resolved = Path(file).resolve()
        return resolved.relative_to(root).as_posix() if resolved.is_file() else None
    except (OSError, ValueError):
        return None
