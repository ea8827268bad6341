"""Findings about the values of user properties."""

from collections.abc import Callable

import numpy as np

from auditor.checks.check import Check, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Attributes
from auditor.domain.translation import N_
from auditor.engine.policy.extent import Extent, population_extent
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import Articles, Situation, user_property


def property_findings(scope: Scope, violation: Mask, name: str) -> UserFindings:
    """Report the users of a mask; the detail is the name of the property."""
    return scope.findings(np.flatnonzero(violation.true), details=(name,)), violation.unknown


class AttributeCheck(Check[Attributes], frozen=True, kw_only=True):
    """A check about a property of a user."""

    block: type[Attributes] = Attributes
    subject: SubjectType = SubjectType.USER
    once_per: str = N_("property")
    extent: Extent | None = population_extent
    detail: Detail = Detail.PROPERTY
    routes: Callable[[Situation], Articles] = user_property
