"""An entry of `licenseAssignmentStates` has an error."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Health
from auditor.domain.translation import N_
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Scope, UserFindings
from auditor.guidance.routing import assignment_error


def _evaluate(scope: Scope, _block: Health) -> Iterator[UserFindings]:
    """Report every entry of `licenseAssignmentStates` with an error, whatever its code."""
    population, pathless, nobody = scope.population, scope.people.assignments.pathless, scope.people.nobody
    rows, skus, codes, details = scope.batch.errors
    certain = np.flatnonzero(population.true[rows])
    chunk = scope.findings(rows[certain], skus=skus[certain], detail_codes=codes[certain], details=details)
    if population.sure and pathless is None:
        yield chunk, nobody
        return
    undecided = population.maybe & (nobody if pathless is None else pathless)
    undecided[rows[population.unknown[rows]]] = True
    yield chunk, undecided


CHECK = Check(
    id="assignment.error",
    name=N_("assignment error"),
    explanation=N_("A product should be assigned to a user, but Microsoft reports an error instead."),
    block=Health,
    key="health: {errors}",
    subject=SubjectType.USER,
    once_per=N_("product and error"),
    is_enabled=lambda block: block.errors,
    properties=lambda _: ("licenseAssignmentStates",),
    evaluate_users=_evaluate,
    extent=population_extent,
    detail=Detail.ERROR,
    routes=assignment_error,
    correction=Correction.RETRY,
)
