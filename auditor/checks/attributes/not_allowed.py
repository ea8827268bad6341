"""A property of a user has a value that the policy does not list."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Attributes
from auditor.domain.translation import N_
from auditor.guidance.routing import user_property

CHECK = Check(
    id="attribute.not-allowed",
    name=N_("value not allowed"),
    explanation=N_("A property of a user has a value that the policy does not allow."),
    block=Attributes,
    key="attributes: {allow}",
    subject=SubjectType.USER,
    once_per=N_("property"),
    detail=Detail.PROPERTY,
    routes=user_property,
    correction=Correction.CORRECT_ATTRIBUTE,
)
