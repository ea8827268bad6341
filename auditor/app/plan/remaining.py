"""Tells for each finding that a plan leaves why it does."""

from collections.abc import Mapping

from auditor.domain.actions.kind import ActionKind
from auditor.domain.result import Finding
from auditor.remedy.messages import Words
from auditor.remedy.planner.draft import Options, PlanConstraints
from auditor.remedy.planner.membership_reasons import membership_reasons
from auditor.remedy.planner.model import Remaining
from auditor.remedy.planner.remaining_reasons import why, why_code


def remaining_of(
    finding: Finding, kinds: Mapping[str, str], options: Options, constraints: PlanConstraints, words: Words
) -> Remaining:
    """Return why a finding remains: it was tried and dropped, or the kind of action that it needs."""
    mark, user = finding.fingerprint, options.owner(finding.subject.id)
    if user in constraints.barred:
        return Remaining(fingerprint=mark, code="limit", why=constraints.barred[user])
    if user in options.pathless:
        return Remaining(fingerprint=mark, code="paths", why=why(words, "paths"))
    weighed_all = [weighed for weighed in options.weighed.get(user, ()) if finding in weighed.mended]
    for weighed in weighed_all:
        for sku_id in weighed.option.seats:
            if sku_id in constraints.reasons:
                return Remaining(fingerprint=mark, code="limit", why=constraints.reasons[sku_id])
    if weighed_all:
        code = "seats" if all(max(weighed.option.seats.values(), default=0) > 0 for weighed in weighed_all) else "idle"
        return Remaining(fingerprint=mark, code=code, why=why(words, code))
    code = why_code(ActionKind(kinds[mark])) if mark in kinds else "person"
    if mark in options.ending and code != "group":
        code = "ends"
    reasons = membership_reasons(finding, options.state.memberships, words) if code == "group" else ()
    return Remaining(fingerprint=mark, code=code, why=" ".join(reasons) or why(words, code))
