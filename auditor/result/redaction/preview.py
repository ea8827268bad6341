"""Replaces users in the differences between two audits; findings that do not differ are not processed."""

from collections.abc import Mapping, Sequence
from functools import reduce

from msgspec.structs import replace

from auditor.domain.preview import ChangedFinding, Difference, Preview, UnevaluatedPolicy
from auditor.domain.result.model import Result
from auditor.findings.person_names import users_in
from auditor.result.redaction.findings import redacted_findings
from auditor.result.redaction.people import UserPseudonyms, named_in, people_in_policies, people_of
from auditor.result.redaction.pseudonyms import RedactionKey


def redacted_preview(preview: Preview, base: Result, head: Result, key: RedactionKey) -> Preview:
    """Replace users in a preview by pseudonyms; `base` and `head` are the results that it compares.

    The users of a tenant are those with findings on either side, also if their findings do not differ: the evidence of
    other findings may contain their names.
    """
    named = {**named_in(base.run, key), **named_in(head.run, key)}
    fleet = UserPseudonyms(key=key, named=named)
    by_tenant = {
        after.name: people_of(after.tenant_id, users_in(before.findings, after.findings), key, named)
        for before, after in zip(base.tenants, head.tenants, strict=True)
    }
    sides = [people_in_policies(result, key, named) for result in (base, head)]
    return replace(
        preview,
        policies=tuple(replace(change, title=_title(change.title, sides)) for change in preview.policies),
        tenants=tuple(_difference(difference, by_tenant[difference.name]) for difference in preview.tenants),
        fleet=_difference(preview.fleet, fleet),
        unknown=tuple(_unevaluated(policy, by_tenant, fleet) for policy in preview.unknown),
    )


def _title(title: str, sides: Sequence[UserPseudonyms]) -> str:
    """Replace the users of both sides in the title of a policy."""
    return reduce(lambda text, people: people.free_text(text), sides, title)


def _difference(difference: Difference, people: UserPseudonyms) -> Difference:
    before = {
        finding.fingerprint: finding
        for finding in redacted_findings((pair.before for pair in difference.changed), people)
    }
    after = redacted_findings((pair.after for pair in difference.changed), people)
    return replace(
        difference,
        added=redacted_findings(difference.added, people),
        removed=redacted_findings(difference.removed, people),
        changed=tuple(ChangedFinding(before=before[finding.fingerprint], after=finding) for finding in after),
        unconfirmed=redacted_findings(difference.unconfirmed, people),
        costs=tuple(
            cost if cost.user is None else replace(cost, user=people.ids[cost.user]) for cost in difference.costs
        ),
    )


def _unevaluated(
    policy: UnevaluatedPolicy, by_tenant: Mapping[str, UserPseudonyms], fleet: UserPseudonyms
) -> UnevaluatedPolicy:
    people = fleet if policy.tenant is None else by_tenant[policy.tenant]
    return replace(policy, reason=policy.reason.rewritten(people.quoted_text))
