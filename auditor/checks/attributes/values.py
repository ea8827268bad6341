"""Findings about the values of user properties."""

from collections.abc import Callable

from auditor.checks.check import Check, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Attributes
from auditor.domain.translation import N_
from auditor.engine.policy.extent import Extent, population_extent
from auditor.guidance.routing import Articles, Situation, user_property


class AttributeCheck(Check[Attributes], frozen=True, kw_only=True):
    """A check about a property of a user."""

    block: type[Attributes] = Attributes
    subject: SubjectType = SubjectType.USER
    once_per: str = N_("property")
    extent: Extent | None = population_extent
    detail: Detail = Detail.PROPERTY
    routes: Callable[[Situation], Articles] = user_property
