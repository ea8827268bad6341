"""A user holds the same product on two or more paths."""

from collections.abc import Iterator

from auditor.checks.assignments.held_products import AssignmentCheck, held_product_findings_by_path, packed_set
from auditor.checks.check import Correction
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    yield held_product_findings_by_path(scope, "several", packed_set(scope.bound.masks, block.of))


CHECK = AssignmentCheck(
    id="assignment.duplicate",
    name=N_("assigned twice"),
    explanation=N_("A user has the same product from two or more assignment paths, which use one seat together."),
    key="assignments: {duplicates}",
    once_per=N_("assigned product"),
    is_enabled=lambda block: block.duplicates,
    properties=lambda _: ("assignedLicenses", "licenseAssignmentStates"),
    evaluate_users=_evaluate,
    routes=lambda situation: ("duplicate-assignment", *(("group-licenses",) if situation.path == "group" else ())),
    correction=Correction.REMOVE_COPY,
)
