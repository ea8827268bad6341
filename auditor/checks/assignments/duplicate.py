"""A user holds the same product on two or more paths."""

from collections.abc import Iterator

from auditor.checks.assignments.held_products import holding_by, packed_set
from auditor.checks.check import Check, Correction
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Found, Scope
from auditor.guidance.routing import Articles, Situation


def _routes(situation: Situation) -> Articles:
    return ("duplicate-assignment", *(("group-licenses",) if situation.path == "group" else ()))


def _judge(scope: Scope, block: Assignments) -> Iterator[Found]:
    yield holding_by(scope, "several", packed_set(scope.bound.masks, block.of))


CHECK = Check(
    id="assignment.duplicate",
    name=N_("assigned twice"),
    explanation=N_("A user holds the same product on two or more paths; only one seat is used all the same."),
    block=Assignments,
    key="assignments: {duplicates}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    asked=lambda block: block.duplicates,
    properties=lambda _: ("assignedLicenses", "licenseAssignmentStates"),
    products=lambda block: (block.of,),
    sources=(Source.SUBSCRIBED_SKUS,),
    judge_users=_judge,
    extent=population_extent,
    routes=_routes,
    correction=Correction.REMOVE_COPY,
)
