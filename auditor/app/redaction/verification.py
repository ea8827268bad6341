"""Replaces users in the verification of a plan with pseudonyms."""

from msgspec.structs import replace

from auditor.app.redaction.people import UserPseudonyms
from auditor.domain.result.verification import ActionVerdict, TenantVerification


def redacted_verification(verification: TenantVerification, people: UserPseudonyms) -> TenantVerification:
    """Return the verification with pseudonyms and new fingerprints, sorted so that the order of ids is not revealed."""
    findings = (
        replace(
            finding,
            fingerprint=people.key.fingerprint(finding.fingerprint),
            subject=people.subject(finding.subject),
        )
        for finding in verification.findings
    )
    return replace(
        verification,
        actions=tuple(_action(action, people) for action in verification.actions),
        findings=tuple(sorted(findings, key=lambda finding: finding.fingerprint)),
    )


def _action(action: ActionVerdict, people: UserPseudonyms) -> ActionVerdict:
    steps = (replace(step, subject=people.text(step.subject)) for step in action.steps)
    run, decided = action.execution, action.decided
    return replace(
        action,
        title=people.program_text(action.title),
        title_arguments=people.title_arguments(action.title_arguments),
        steps=tuple(sorted(steps, key=lambda step: (step.subject, step.step))),
        findings=people.fingerprints(action.findings),
        decided=decided and replace(decided, decisions=tuple(map(people.free_text, decided.decisions))),
        execution=None if run is None else replace(run, by=tuple(map(people.free_text, run.by))),
    )
