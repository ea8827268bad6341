"""A product is assigned directly although the policy requires a group, or by a group instead of directly."""

from auditor.checks.assignments.held_products import AssignmentCheck, held_product_findings_by_path
from auditor.checks.check import Correction
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation


def _routes(situation: Situation) -> Articles:
    match situation.path:
        case "direct":
            return ("direct-to-group",)
        case "group":
            return ("group-to-direct",)
        case _:
            return ("direct-to-group", "group-to-direct")


CHECK = AssignmentCheck(
    id="assignment.path",
    name=N_("wrong assignment path"),
    explanation=N_(
        "A product is assigned directly where the policy requires a group, or by a group "
        "where the policy requires a direct assignment."
    ),
    key="assignments: {via}",
    once_per=N_("assigned product"),
    is_enabled=lambda block: block.via is not None,
    properties=lambda _: ("assignedLicenses", "licenseAssignmentStates"),
    evaluate_users=lambda scope, block: (
        held_product_findings_by_path(scope, "direct" if block.via == "group" else "group", block.of),
    ),
    routes=_routes,
    correction=Correction.CHANGE_PATH,
)
