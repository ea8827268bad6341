"""A Result into SARIF 2.1.0: each finding at the line of its policy, so that code scanning can track it."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from auditor.domain.result import Finding, PolicyHeader, PolicyOutcome, Result, SourceLine
from auditor.domain.words import Change, Outcome, Severity, Status
from auditor.render.artifact import Artifact
from auditor.render.document import TOOL, instant
from auditor.render.json_text import document
from auditor.render.rows import Context, sentence, shortened
from auditor.render.visible import visible
from auditor.render.words import Words

LIMIT: Final = 25_000
"""Results that GitHub's code scanning takes from one file."""
_RUNS: Final = 20
"""Runs that it takes from one file; more tenants than that share one run."""
_TAGS: Final = 20
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

Document = dict[str, Any]


class _Part:
    """The findings and outcomes of one tenant, or of the fleet."""

    __slots__ = ("context", "failure", "findings", "name", "outcomes", "told")

    def __init__(
        self,
        name: str,
        findings: Sequence[Finding],
        outcomes: tuple[PolicyOutcome, ...],
        context: Context,
        failure: str | None = None,
    ) -> None:
        self.name = name
        self.findings = self.told = findings
        self.outcomes = outcomes
        self.context = context
        self.failure = failure


def render(result: Result, *, locale: str) -> Artifact:
    """Write one run per tenant and one for the fleet; what is over LIMIT is left out, worst kept, and the run says so.

    A policy that was not evaluated is a notification and makes its run unsuccessful: it is no alert, and no alert of it
    may be taken for fixed.
    """
    words = Words(locale)
    headers = {policy.id: policy for policy in result.run.policies}
    parts = [
        _Part(tenant.name, tenant.findings, tenant.policies, Context.of_tenant(tenant, headers, words), tenant.failure)
        for tenant in result.tenants
    ]
    if result.fleet.policies or result.fleet.findings:
        fleet = result.fleet
        parts.append(_Part("", fleet.findings, fleet.policies, Context.of_fleet(result, headers, words)))
    _limit(parts)
    groups = [[part] for part in parts] if len(parts) <= _RUNS else [parts]
    runs = [_run(result, group) for group in groups]
    body = document({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs})
    return Artifact(name="result.sarif", media_type="application/sarif+json", body=body)


def _limit(parts: list[_Part]) -> None:
    """Leave each part with the findings to write: all of them where they fit, else the worst open ones."""
    everything = [(part, finding) for part in parts for finding in part.findings]
    if len(everything) <= LIMIT:
        return
    worst = sorted(
        range(len(everything)),
        key=lambda place: (everything[place][1].status is Status.WAIVED, everything[place][1].severity.rank),
    )
    chosen = [everything[place] for place in sorted(worst[:LIMIT])]
    for part in parts:
        part.told = tuple(finding for owner, finding in chosen if owner is part)


def _run(result: Result, parts: list[_Part]) -> Document:
    policies = result.run.policies
    places = {policy.id: place for place, policy in enumerate(policies)}
    left_out = sum(len(part.findings) - len(part.told) for part in parts)
    words = parts[0].context.words
    notes = [note for part in parts for note in _notes(part, words)]
    if left_out:
        more = words.ngettext(
            "{count} more finding is in the other reports: this format holds {limit}.",
            "{count} more findings are in the other reports: this format holds {limit}.",
            left_out,
        )
        notes.append(_note(more.replace("{limit}", words.number(LIMIT))))
    name = parts[0].name if len(parts) == 1 else "tenants"
    return {
        "tool": {
            "driver": {
                "name": TOOL,
                "semanticVersion": result.run.tool_version,
                "rules": [_rule(policy) for policy in policies],
            }
        },
        "automationDetails": {"id": visible(f"{TOOL}/{name or 'fleet'}/")},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not any(_gap(part) for part in parts),
                "endTimeUtc": instant(result.run.as_of),
                "toolExecutionNotifications": notes,
            }
        ],
        "results": [_result(part, finding, places) for part in parts for finding in part.told],
    }


def _gap(part: _Part) -> bool:
    return part.failure is not None or any(outcome.status is Outcome.NOT_EVALUATED for outcome in part.outcomes)


def _notes(part: _Part, words: Words) -> list[Document]:
    notes = []
    if part.failure is not None:
        said = words.gettext("{tenant} could not be audited: {reason}")
        notes.append(_note(said.replace("{tenant}", part.name).replace("{reason}", words.told(part.failure))))
    said = words.gettext("{tenant}: {policy} was not evaluated: {reason}").replace("{tenant}", part.name or "fleet")
    return notes + [
        _note(said.replace("{policy}", outcome.id).replace("{reason}", words.told(outcome.reason or "")))
        for outcome in part.outcomes
        if outcome.status is Outcome.NOT_EVALUATED
    ]


def _note(text: str) -> Document:
    return {"level": "warning", "message": {"text": visible(text)}}


def _rule(policy: PolicyHeader) -> Document:
    title = visible(policy.title or policy.id)
    return {
        "id": policy.id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": visible(policy.rationale) or title},
        "help": {"text": visible(f"{policy.rationale} {policy.owner}".strip()) or title},
        "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        "properties": {"tags": [visible(tag) for tag in policy.tags[:_TAGS]], "severity": policy.severity.value},
    }


def _result(part: _Part, finding: Finding, places: dict[str, int]) -> Document:
    made: Document = {"ruleId": finding.policy}
    if finding.policy in places:
        made["ruleIndex"] = places[finding.policy]
    where = part.name or "fleet"
    made |= {
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": visible(f"{where}: {sentence(finding, part.context)}")},
        "locations": [
            {
                "physicalLocation": _location(finding.source),
                "logicalLocations": [
                    {
                        "fullyQualifiedName": visible(
                            f"{where}/{finding.subject.type}/{shortened(finding.subject.id)}"
                        ),
                        "kind": "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": {"auditorFinding/v1": finding.fingerprint},
    }
    if finding.change is not None:
        # A reopened finding was not in the baseline as it stands now, which is what `new` means there.
        made["baselineState"] = "unchanged" if finding.change is Change.UNCHANGED else "new"
    if finding.status is Status.WAIVED:
        made["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": visible(
                    part.context.words.gettext("waiver {waiver}").replace("{waiver}", finding.waiver or "").strip()
                ),
            }
        ]
    return made


def _location(source: SourceLine) -> Document:
    path = source.file.replace("\\", "/")
    if path.startswith("/"):
        artifact: Document = {"uri": f"file://{quote(path, errors='replace')}"}
    elif path[1:3] == ":/":
        artifact = {"uri": f"file:///{quote(path, safe='/:', errors='replace')}"}
    else:
        artifact = {"uri": quote(path.removeprefix("./"), errors="replace"), "uriBaseId": "%SRCROOT%"}
    return {"artifactLocation": artifact, "region": {"startLine": max(source.line, 1)}}
