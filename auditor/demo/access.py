"""Directory roles and Conditional Access policies of the demo's tenants."""

from collections.abc import Iterable, Sequence
from typing import Any

from auditor.catalogue.directory_roles import builtin_role_ids, builtin_roles
from auditor.demo.organisation import Organisation
from auditor.demo.people import ConversionContext, Person, user_id
from auditor.demo.products import identifier


def access_objects(
    organisation: Organisation, people: Sequence[Person], context: ConversionContext
) -> dict[str, list[dict[str, Any]]]:
    """Return directory roles and Conditional Access policies as Graph returns them."""
    lists: dict[str, list[dict[str, Any]]] = {"roleAssignments": [], "roleEligibilityScheduleInstances": []}
    for role in organisation.roles:
        person = next(person for person in people if person.title == role.title and person.enabled)
        template = builtin_role_ids()[role.role.casefold()]
        lists["roleEligibilityScheduleInstances" if role.eligible else "roleAssignments"].append(
            {
                "id": identifier("role", organisation.name, role.role),
                "principalId": user_id(person, context),
                "roleDefinitionId": template,
                "directoryScopeId": "/",
            }
        )
    policies = [_policy(organisation.name, "Require multifactor authentication", ("All",))]
    if organisation.risk_based:
        affected = (person for person in people if person.department in organisation.risk_based)
        included = sorted(user_id(person, context) for person in affected)
        policies.append(_policy(organisation.name, "Block sign-ins at high risk", included, risks=("high",)))
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
