"""Compares two sets of policies on the same snapshots, to show the effect of a change."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from auditor import __version__
from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.pipeline import audit
from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.audit.run import Request, opened_states
from auditor.app.catalogue import active
from auditor.app.policies.git_ref import bases_of, commit_of, files_of, is_safe
from auditor.app.policy_files import DEFAULT, LIBRARY, installed_base, pinned_base, policy_files
from auditor.domain.enums import Contents, Outcome, Severity
from auditor.domain.errors import AuditorError, Diagnostic, InputError, UsageError
from auditor.domain.message import NOTHING, Message, joined
from auditor.domain.policy.model import Policy, PolicySet
from auditor.domain.preview import ChangedFinding, Difference, PolicyChange, Preview, Side, UnevaluatedPolicy
from auditor.domain.result.finding import Finding, SourceLine
from auditor.domain.result.model import PolicyOutcome, Result
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.policy.loader import load
from auditor.render.text.evidence.facts import names_by_set, product_names
from auditor.result.preview_counts import cost_changes, worsened_severities
from auditor.result.redaction.preview import redacted_preview


def preview(request: Request, base: str) -> Preview:
    """Audit every tenant of a request with its policies and with those of `base`, a git ref or a folder, and compare.

    If the request has no policies, those in policies/ are used, or else the starter library. Raises AuditorError if one
    of the sets is invalid.
    """
    if request.demo == bool(request.snapshots):
        raise UsageError(
            "usage",
            Message("--demo previews policies only on the built-in tenants")
            if request.demo
            else Message("a preview requires a snapshot"),
            hint=Message("specify a --snapshot that `auditor collect` wrote, or --demo, and not both"),
        )
    return previewed(*_sides(request, base), request)


def previewed(base: tuple[Side, PolicySet], head: tuple[Side, PolicySet], request: Request) -> Preview:
    """Audit every tenant of a request with two sets at one instant and compare.

    `request.warn` is called for each tenant whose snapshot cannot be read: the preview is then incomplete. Raises
    AuditorError.
    """
    (base_side, before), (head_side, after) = base, head
    both = replace(after, policies=(*before.policies, *after.policies))
    earlier = earlier_dates(request.nights, both, request.as_of, request.warn)
    with opened_states(request, after) as snapshot_states:
        states = list(snapshot_states)
        old, new = (
            audit(states, side, active(), request.as_of, contents=Contents.GUIDED_FINDINGS, earlier=earlier)
            for side in (before, after)
        )
    for state in states:
        # No policy may apply to such a tenant, so that the policies that were not evaluated do not always name it.
        if isinstance(state, Unaudited):
            message = joined(": ", (state.name, state.reason))
            request.warn(Diagnostic(slug="audit-incomplete", message=message))
    compared = _preview(old, new, base_side, head_side, policy_changes(before, after))
    return compared if request.redaction is None else redacted_preview(compared, old, new, request.redaction)


def exit_code(preview: Preview, fail_on: Severity | None) -> int:
    """Return 3 if one side is incomplete, 1 if the change worsens findings that reach the threshold, otherwise 0."""
    return int(bool(failing(preview, fail_on))) if preview.complete else 3


def failing(preview: Preview, fail_on: Severity | None) -> Mapping[Severity, int]:
    """Return the numbers of open findings at or above a threshold that are new, more severe or no longer waived."""
    severities = Counter(worsened_severities(preview))
    return {
        severity: severities[severity]
        for severity in Severity
        if fail_on is not None and severities[severity] and severity.reaches(fail_on)
    }


def _sides(request: Request, base: str) -> tuple[tuple[Side, PolicySet], tuple[Side, PolicySet]]:
    """Load both sets. Raises InputError with the errors of both, each prefixed with its side."""
    paths = request.policies or ((DEFAULT,) if DEFAULT.is_dir() else ())
    name = " ".join(path.as_posix() for path in paths) or LIBRARY
    errors: list[Diagnostic] = []
    loaded: list[tuple[Side, PolicySet]] = []
    for side in ("base", "head"):
        commit = None
        try:
            if side == "base":
                commit, files = _base_files(base, request.policies)
                # Waivers of the base that are too long are not errors of the change.
                policies = load(files, bases=pinned_base if commit is None else bases_of(commit, base)).policies
            else:
                files = policy_files(request.policies)
                policies = load(files, waivers_from=request.as_of.date(), bases=installed_base).policies
        except AuditorError as error:
            diagnostics = tuple(replace(item, message=joined(": ", (side, item.message))) for item in error.diagnostics)
            if not isinstance(error, InputError):
                error.diagnostics = diagnostics
                raise
            errors += diagnostics
        else:
            loaded.append((side_of(base if side == "base" else name, policies, commit), policies))
    if errors:
        raise InputError(errors)
    return loaded[0], loaded[1]


def side_of(name: str, policies: PolicySet, commit: str | None = None) -> Side:
    """Return the description of one side of a preview."""
    return Side(name=name, commit=commit, policy_digest=policies.digest, policies=len(policies.policies))


def _base_files(base: str, policies: Sequence[Path]) -> tuple[str | None, list[tuple[str, bytes]]]:
    """Return the commit of the base and its files; the commit is None if the base is a folder.

    If there is a folder and a ref with the same name, the folder is used.
    """
    if not base or base.startswith("-"):
        raise UsageError(
            "base-unsafe",
            Message("'{base}' is neither a Git reference nor a folder", base=base),
            hint=Message("specify a branch, tag or commit"),
        )
    if Path(base).is_dir():
        return None, policy_files((Path(base),))
    if not is_safe(base):
        raise UsageError(
            "base-unsafe",
            Message("'{base}' is neither a folder nor a valid Git reference", base=base),
            hint=Message("specify a branch, tag or commit (no range, no path after a colon)"),
        )
    commit = commit_of(base)
    return commit, files_of(commit, policies, ref=base)


def policy_changes(before: PolicySet, after: PolicySet) -> tuple[PolicyChange, ...]:
    """Return the changes of all policies of two sets, sorted by id."""
    old, new = ({policy.id: policy for policy in side.policies} for side in (before, after))
    return tuple(_policy_change(id_, old.get(id_), new.get(id_)) for id_ in sorted({*old, *new}))


def _policy_change(id_: str, before: Policy | None, after: Policy | None) -> PolicyChange:
    policy = after or before
    return PolicyChange(
        id=id_,
        title="" if policy is None else policy.title,
        before=None if before is None else before.severity,
        after=None if after is None else after.severity,
        edited=before is None or after is None or dict(before.spec) != dict(after.spec),
    )


def _preview(old: Result, new: Result, base: Side, head: Side, policies: tuple[PolicyChange, ...]) -> Preview:
    titles = tenant_titles(new.tenants)
    # Both results have the same tenants, sorted by name.
    tenants = tuple(
        replace(
            difference(after.name, before.findings, after.findings, after.policies),
            costs=cost_changes(before.findings, after.findings),
            title=titles[after.name],
            names=product_names(after),
            sets=names_by_set(before) | names_by_set(after),
        )
        for before, after in zip(old.tenants, new.tenants, strict=True)
    )
    return Preview(
        tool_version=__version__,
        as_of=new.run.as_of,
        base=base,
        head=head,
        tenants=tenants,
        fleet=replace(
            difference("", old.fleet.findings, new.fleet.findings, new.fleet.policies),
            costs=cost_changes(old.fleet.findings, new.fleet.findings),
        ),
        policies=policies,
        unknown=(*_unknown("base", old), *_unknown("head", new)),
        complete=old.complete and new.complete,
    )


def difference(
    name: str, before: Sequence[Finding], after: Sequence[Finding], outcomes: Sequence[PolicyOutcome]
) -> Difference:
    """Match findings by fingerprint; a missing one is unconfirmed if its policy could not be evaluated in the head."""
    old = {finding.fingerprint: finding for finding in before}
    new = {finding.fingerprint: finding for finding in after}
    not_evaluated = {outcome.id for outcome in outcomes if outcome.status is Outcome.NOT_EVALUATED}
    missing = [finding for finding in before if finding.fingerprint not in new]
    pairs = [(old[finding.fingerprint], finding) for finding in after if finding.fingerprint in old]
    return Difference(
        name=name,
        added=tuple(finding for finding in after if finding.fingerprint not in old),
        removed=tuple(finding for finding in missing if finding.policy not in not_evaluated),
        changed=tuple(
            ChangedFinding(before=old_finding, after=new_finding)
            for old_finding, new_finding in pairs
            if _without_source(old_finding) != _without_source(new_finding)
        ),
        unconfirmed=tuple(finding for finding in missing if finding.policy in not_evaluated),
    )


def _without_source(finding: Finding) -> Finding:
    """Return the finding without the source line of its policy, so that moving the policy is not a change."""
    return replace(finding, source=SourceLine(file="", line=0), evidence=dict(finding.evidence))


def _unknown(side: str, result: Result) -> Iterator[UnevaluatedPolicy]:
    outcomes_by_tenant = [*((tenant.name, tenant.policies) for tenant in result.tenants), (None, result.fleet.policies)]
    for tenant, outcomes in outcomes_by_tenant:
        for outcome in outcomes:
            if outcome.status is Outcome.NOT_EVALUATED:
                yield UnevaluatedPolicy(side=side, tenant=tenant, policy=outcome.id, reason=outcome.reason or NOTHING)
