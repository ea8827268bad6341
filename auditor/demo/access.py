"""Directory roles and Conditional Access policies of the demo's tenants."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from auditor.catalogue.directory_roles import builtin_role_ids, builtin_roles
from auditor.demo.people import ConversionContext, Person, user_id
from auditor.demo.products import identifier

_ROLES: Final[Mapping[str, Sequence[tuple[str, str, bool]]]] = {
    "contoso": (
        ("Head of IT", "Global Administrator", False),
        ("Service desk", "Helpdesk Administrator", False),
        ("Controller", "Billing Administrator", False),
        ("Engineer", "User Administrator", True),
    ),
}
"""Tenant → (job title whose first employee has the role, role, whether the role has to be activated)."""
_RISK_BASED: Final[Mapping[str, frozenset[str]]] = {"contoso": frozenset({"IT", "Finance", "Head office", "HR"})}
"""Tenant → the departments to which the risk-based policy applies."""


def access_objects(
    tenant: str, people: Sequence[Person], context: ConversionContext
) -> dict[str, list[dict[str, Any]]]:
    """Return directory roles and Conditional Access policies as Graph returns them."""
    lists: dict[str, list[dict[str, Any]]] = {"roleAssignments": [], "roleEligibilityScheduleInstances": []}
    for title, role, eligible in _ROLES.get(tenant, ()):
        person = next(person for person in people if person.title == title and person.enabled)
        template = builtin_role_ids()[role.casefold()]
        lists["roleEligibilityScheduleInstances" if eligible else "roleAssignments"].append(
            {
                "id": identifier("role", tenant, role),
                "principalId": user_id(person, context),
                "roleDefinitionId": template,
                "directoryScopeId": "/",
            }
        )
    departments = _RISK_BASED.get(tenant, frozenset())
    policies = [_policy(tenant, "Require multifactor authentication", ("All",))]
    if departments:
        included = sorted(user_id(person, context) for person in people if person.department in departments)
        policies.append(_policy(tenant, "Block sign-ins at high risk", included, risks=("high",)))
    return {**lists, "roleDefinitions": _definitions(), "conditionalAccessPolicies": policies}


def _definitions() -> list[dict[str, Any]]:
    return [
        {"id": template, "templateId": template, "displayName": role.name, "isBuiltIn": True}
        for template, role in builtin_roles().items()
    ]


def _policy(tenant: str, name: str, users: Iterable[str], risks: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "id": identifier("conditionalAccess", tenant, name),
        "displayName": name,
        "state": "enabled",
        "conditions": {"users": {"includeUsers": list(users)}, "signInRiskLevels": list(risks), "userRiskLevels": []},
    }
