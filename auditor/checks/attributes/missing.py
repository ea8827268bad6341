"""A property of a user has no value."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Attributes
from auditor.domain.translation import N_
from auditor.guidance.routing import user_property

CHECK = Check(
    id="attribute.missing",
    name=N_("property missing"),
    explanation=N_("A user has no value for a property that the policy requires."),
    block=Attributes,
    key="attributes: {require}",
    subject=SubjectType.USER,
    once_per=N_("property"),
    detail=Detail.PROPERTY,
    routes=user_property,
    correction=Correction.SET_ATTRIBUTE,
)
