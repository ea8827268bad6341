"""Renders a Result as SARIF 2.1.0; findings are located at their policy, so that code scanning can track them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import asdict

from auditor.domain.enums import Change, Outcome, Severity, Status
from auditor.domain.message import NOTHING
from auditor.domain.result.finding import Finding, Findings, SourceLine
from auditor.domain.result.model import PolicyHeader, Result
from auditor.render.ci.result_parts import ResultPart, parts_of
from auditor.render.formats import RenderOptions
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import is_https, shortened, visible
from auditor.render.view.rows import Context, sentence
from auditor.result.codec.encoder import TOOL, document, instant

LIMIT: Final = 25_000
"""Maximum results per file in GitHub's code scanning."""
_MAX_RUNS: Final = 20
"""Maximum runs per file in GitHub's code scanning; if there are more tenants, all share one run."""
_MAX_TAGS: Final = 20
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_NOTE: Final = "note"
"""The level of report-only policies and their findings."""
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

JsonObject = dict[str, Any]


Weight = tuple[bool, int]
"""Whether a finding is not open, and the rank of its severity; lower weights are written first."""


class _LimitedPart(ResultPart, frozen=True, kw_only=True):
    """A part, and how many of its findings are written."""

    limits: Mapping[Weight, int] | None = None
    """Number of findings of each weight to write, beginning with the first; None for all."""

    @property
    def left_out(self) -> int:
        """Number of findings that are not written."""
        return 0 if self.limits is None else len(self.result.findings) - sum(self.limits.values())

    def findings(self) -> Iterator[Finding]:
        """Yield the findings to write, in order; iteration stops after the last of them."""
        if self.limits is None:
            yield from self.result.findings
            return
        remaining = Counter(self.limits)
        total = remaining.total()
        for finding in self.result.findings if total else ():
            weight = finding.status is not Status.OPEN, finding.severity.rank
            if not remaining[weight]:
                continue
            remaining[weight] -= 1
            total -= 1
            yield finding
            if not total:
                return


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render one run per tenant and one for the fleet; above LIMIT, the least severe findings are omitted, with a note.

    A policy that was not evaluated becomes a notification, not an alert. It makes its run unsuccessful, so that its
    existing alerts are not considered fixed.
    """
    l10n = Labels(options.locale)
    parts = _limited(parts_of(result, l10n))
    groups = [[part] for part in parts] if len(parts) <= _MAX_RUNS else [parts]
    runs = [_run(result, group, l10n, options.source_paths) for group in groups]
    body = document({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs})
    return (body,)


def _limited(parts: list[ResultPart]) -> list[_LimitedPart]:
    """Return the parts with limits: all findings if they fit, else the worst open ones first."""
    limits: list[dict[Weight, int] | None] = [None for _ in parts]
    if sum(len(part.result.findings) for part in parts) > LIMIT:
        counts = [_count_by_weight(part.result.findings) for part in parts]
        limits = [*_limits(counts)]
    return [_LimitedPart(**asdict(part), limits=limit) for part, limit in zip(parts, limits, strict=True)]


def _limits(counts: Sequence[Counter[Weight]]) -> list[dict[Weight, int]]:
    """Distribute LIMIT over the parts with these numbers of findings."""
    limits: list[dict[Weight, int]] = [{} for _ in counts]
    remaining = LIMIT
    for weight in sorted(set().union(*counts)):
        for count, limit in zip(counts, limits, strict=True):
            limit[weight] = min(remaining, count[weight])
            remaining -= limit[weight]
    return limits


def _count_by_weight(findings: Findings) -> Counter[Weight]:
    """Count findings by weight."""
    weights: Counter[Weight] = Counter()
    for counts in findings.stats.policies.values():
        weights[False, counts.severity.rank] += counts.open
        weights[True, counts.severity.rank] += counts.waived + counts.report_only
    return weights


def _run(result: Result, parts: list[_LimitedPart], l10n: Labels, source_paths: Mapping[str, str]) -> JsonObject:
    policies = result.run.policies
    rule_indexes = {policy.id: index for index, policy in enumerate(policies)}
    left_out = sum(part.left_out for part in parts)
    notes = [note for part in parts for note in _notifications(part, l10n)]
    if left_out:
        more = l10n.plural(
            "{count} more finding is in the other reports: this format has at most {limit}.",
            "{count} more findings are in the other reports: this format has at most {limit}.",
            left_out,
            limit=l10n.number(LIMIT),
        )
        notes.append(_note(more))
    name = parts[0].label if len(parts) == 1 else "tenants"
    return {
        "tool": {
            "driver": {
                "name": TOOL,
                "semanticVersion": result.run.tool_version,
                "rules": [_rule(policy) for policy in policies],
            }
        },
        "automationDetails": {"id": visible(f"{TOOL}/{name}/")},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not any(
                    part.failure is not None or any(outcome.unknown for outcome in part.result.policies)
                    for part in parts
                ),
                "endTimeUtc": instant(result.run.as_of),
                "toolExecutionNotifications": notes,
            }
        ],
        "results": [document for part in parts for document in _results(part, rule_indexes, source_paths)],
    }


def _notifications(part: _LimitedPart, l10n: Labels) -> list[JsonObject]:
    notes = []
    if part.failure is not None:
        reason = l10n.translate(part.failure)
        notes.append(_note(l10n.gettext("{tenant} could not be audited: {reason}", tenant=part.title, reason=reason)))
    return notes + [
        _note(
            l10n.gettext(
                "{tenant}: {policy} was not evaluated: {reason}",
                tenant=part.title,
                policy=outcome.id,
                reason=l10n.translate(outcome.reason or NOTHING),
            )
        )
        for outcome in part.result.policies
        if outcome.status is Outcome.NOT_EVALUATED
    ]


def _note(text: str) -> JsonObject:
    return {"level": "warning", "message": {"text": visible(text)}}


def _rule(policy: PolicyHeader) -> JsonObject:
    title = visible(policy.title or policy.id)
    tags = (*policy.tags, *(policy.frameworks or ()))
    pages = [page.url for page in policy.references or () if is_https(page.url)]
    return {
        "id": policy.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": visible(policy.rationale) or title},
        "help": {"text": visible(f"{policy.rationale} {policy.owner}".strip()) or title},
        **({"helpUri": pages[0]} if pages else {}),
        "defaultConfiguration": {"level": _NOTE if policy.report_only else _LEVELS[policy.severity]},
        "properties": {"tags": [visible(tag) for tag in tags[:_MAX_TAGS]], "severity": policy.severity.value},
    }


def _results(
    part: _LimitedPart, rule_indexes: Mapping[str, int], source_paths: Mapping[str, str]
) -> Iterator[JsonObject]:
    context = part.context()
    for finding in part.findings():
        yield _result(part, finding, rule_indexes, context, source_paths)


def _result(
    part: ResultPart,
    finding: Finding,
    rule_indexes: Mapping[str, int],
    context: Context,
    source_paths: Mapping[str, str],
) -> JsonObject:
    document: JsonObject = {"ruleId": finding.policy}
    if finding.policy in rule_indexes:
        document["ruleIndex"] = rule_indexes[finding.policy]
    document |= {
        "kind": "fail",
        "level": _NOTE if finding.status is Status.REPORT_ONLY else _LEVELS[finding.severity],
        "message": {"text": visible(f"{part.title}: {sentence(finding, context)}")},
        "locations": [
            {
                "physicalLocation": _location(finding.source, source_paths),
                "logicalLocations": [
                    {
                        "fullyQualifiedName": visible(
                            f"{part.label}/{finding.subject.type}/{shortened(finding.subject.id)}"
                        ),
                        "kind": "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": {"auditorFinding/v1": finding.fingerprint},
    }
    if finding.change is not None:
        # In SARIF, `new` means not in the baseline, which is also true for a reopened finding.
        document["baselineState"] = "unchanged" if finding.change is Change.UNCHANGED else "new"
    if finding.status is Status.REPORT_ONLY:
        document["properties"] = {"status": finding.status.value}
    if finding.status is Status.WAIVED:
        document["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": visible(context.l10n.gettext("waiver {waiver}", waiver=finding.waiver or "").strip()),
            }
        ]
    return document


def _location(source: SourceLine, source_paths: Mapping[str, str]) -> JsonObject:
    path = source_paths.get(source.file, source.file).replace("\\", "/")
    if path.startswith("/"):
        artifact: JsonObject = {"uri": f"file://{quote(path, errors='replace')}"}
    elif path[1:3] == ":/":
        artifact = {"uri": f"file:///{quote(path, safe='/:', errors='replace')}"}
    else:
        artifact = {"uri": quote(path.removeprefix("./"), errors="replace"), "uriBaseId": "%SRCROOT%"}
    return {"artifactLocation": artifact, "region": {"startLine": max(source.line, 1)}}
