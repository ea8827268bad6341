"""A user holds the same product on two or more paths."""

from auditor.checks.assignments.held_products import AssignmentCheck, held_product_findings_by_path
from auditor.checks.check import Correction
from auditor.domain.translation import N_

CHECK = AssignmentCheck(
    id="assignment.duplicate",
    name=N_("assigned twice"),
    explanation=N_("A user has the same product from two or more assignment paths, which use one seat together."),
    key="assignments: {duplicates}",
    once_per=N_("assigned product"),
    is_enabled=lambda block: block.duplicates,
    properties=lambda _: ("assignedLicenses", "licenseAssignmentStates"),
    evaluate_users=lambda scope, block: (held_product_findings_by_path(scope, "several", block.of),),
    routes=lambda situation: ("duplicate-assignment", *(("group-licenses",) if situation.path == "group" else ())),
    correction=Correction.REMOVE_COPY,
)
