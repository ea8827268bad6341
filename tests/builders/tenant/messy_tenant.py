"""A tenant of seventy people that has grown for years, and the policies that a new administrator might write."""

from collections.abc import Iterator
from typing import Any

from tests.builders.tenant.tenants import path, person, sku_id, subscription
from tests.emulator.tenant.directory import stable_id

RULES = """products: {suite: [SPE_E3, SPE_E5, SPE_F1]}
policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: guests, severity: medium, users: {userType: Guest}, assignments: {of: paid, allow: []}}
  - {id: store, severity: medium, users: {department: Store, accountEnabled: true}, assignments: {of: suite, allow: [SPE_F1], require: [SPE_F1]}}
  - {id: office, severity: high, users: {department: Office, accountEnabled: true}, assignments: {require: [[SPE_E3, SPE_E5]]}}
  - {id: one-suite, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5, SPE_F1]]}}
  - {id: redundant, severity: low, assignments: {redundant: deny}}
  - {id: twice, severity: low, assignments: {duplicates: deny}}
  - {id: errors, severity: high, health: {errors: deny, groups: deny}}
  - {id: no-forms, severity: low, users: {department: Lab}, assignments: {services: {deny: [FORMS_PLAN_E3]}}}
  - {id: located, severity: medium, attributes: {require: [usageLocation]}}
  - {id: placed, severity: low, attributes: {require: [department]}}
  - {id: idle, severity: medium, seats: {of: paid, spare: {max: {percent: 10, seats: 5}}}}
  - {id: ending, severity: medium, subscriptions: {of: paid, expiring: {within: 60d}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_E5: 54.75, SPE_F1: 7.50, VISIOCLIENT: 13.10, POWER_BI_PRO: 9.40}}
"""
RULE = '(user.department -eq "Store") and (user.employeeType -eq "Shop")'
_SEATS = {"SPE_E3": 40, "SPE_E5": 20, "SPE_F1": 30, "VISIOCLIENT": 2, "POWER_BI_PRO": 12}


def _group(name: str) -> str:
    return stable_id("messy", name)


def _people() -> Iterator[dict[str, Any]]:
    e3, f3, visio, bi = (_group(name) for name in ("LIC-E3", "LIC-F3", "LIC-Visio", "LIC-BI"))
    waiting = {"state": "Error", "error": "CountViolation"}
    kinds: list[tuple[str, int, list[dict[str, Any]], dict[str, Any]]] = [
        ("office", 14, [path("SPE_E3", e3)], {"department": "Office"}),
        ("store", 10, [path("SPE_F1", f3)], {"department": "Store", "employeeType": "Shop"}),
        ("board", 4, [path("SPE_E5")], {"department": "Board"}),
        ("leaver-e3", 4, [path("SPE_E3", e3)], {"department": "Office", "accountEnabled": False}),
        ("leaver-e5", 2, [path("SPE_E5"), path("VISIOCLIENT")], {"department": "Board", "accountEnabled": False}),
        (
            "leaver-f3",
            3,
            [path("SPE_F1", f3)],
            {"department": "Store", "employeeType": "Shop", "accountEnabled": False},
        ),
        ("guest", 2, [path("SPE_E3")], {"department": "Project", "userType": "Guest"}),
        ("both", 3, [path("SPE_E3"), path("SPE_E5")], {"department": "Board"}),
        ("both-group", 2, [path("SPE_E3", e3), path("SPE_E5")], {"department": "Board"}),
        ("double", 4, [path("SPE_F1", f3), path("SPE_F1")], {"department": "Store", "employeeType": "Shop"}),
        ("bi", 3, [path("SPE_E5"), path("POWER_BI_PRO")], {"department": "Board"}),
        ("bi-local", 2, [path("SPE_E3", e3), path("POWER_BI_PRO", bi)], {"department": "Office"}),
        ("wrong", 3, [path("SPE_E3")], {"department": "Store"}),
        ("bare", 3, [], {"department": "Office"}),
        ("waiting", 2, [path("SPE_E5"), path("VISIOCLIENT", visio, **waiting)], {"department": "Board"}),
        ("nowhere", 3, [path("SPE_E5")], {"department": "Board", "usageLocation": None}),
        ("placeless", 2, [path("SPE_E5")], {"department": None}),
        ("lab", 3, [path("SPE_E3")], {"department": "Lab"}),
        ("bi-leaver", 2, [path("POWER_BI_PRO", bi)], {"department": "Office", "accountEnabled": False}),
    ]
    for kind, count, paths, facts in kinds:
        for number in range(count):
            name = f"{kind}{number}"
            active = [row for row in paths if row["state"] == "Active"]
            licences = [{"skuId": row["skuId"], "disabledPlans": []} for row in active]
            row = {"usageLocation": "NL", "paths": paths, "assignedLicenses": licences, **facts}
            yield person(name, **row) | {"id": stable_id("messy", name)}


def document(*, cloud: bool) -> dict[str, Any]:
    """Return the tenant; with `cloud`, all groups are assigned cloud groups, else one is dynamic, one synchronised."""
    people = list(_people())
    members: dict[str, list[str]] = {}
    for user in people:
        for row in user["licenseAssignmentStates"]:
            if row["assignedByGroup"]:
                members.setdefault(row["assignedByGroup"], []).append(user["userPrincipalName"])
    groups = []
    for name, part in (
        ("LIC-E3", "SPE_E3"),
        ("LIC-F3", "SPE_F1"),
        ("LIC-Visio", "VISIOCLIENT"),
        ("LIC-BI", "POWER_BI_PRO"),
    ):
        kind: dict[str, Any] = {"groupTypes": []}
        if name == "LIC-F3" and not cloud:
            kind = {"groupTypes": ["DynamicMembership"], "membershipRule": RULE, "membershipRuleProcessingState": "On"}
        if name == "LIC-BI" and not cloud:
            kind = {"groupTypes": [], "onPremisesSyncEnabled": True}
        groups.append(
            {
                "id": _group(name),
                "displayName": name,
                "mailEnabled": False,
                "securityEnabled": True,
                "assignedLicenses": [{"skuId": sku_id(part), "disabledPlans": []}],
                "licenseProcessingState": {"state": "ProcessingComplete"},
                "members": members.get(_group(name), []),
                **kind,
            }
        )
    return {
        "name": "contoso",
        "tenantId": stable_id("messy", "contoso"),
        "users": people,
        "subscribedSkus": [{"skuPartNumber": part, "enabled": count} for part, count in _SEATS.items()],
        "subscriptions": [
            subscription("e3", "SPE_E3", 30, totalLicenses=40),
            subscription("bi", "POWER_BI_PRO", 200, totalLicenses=12),
        ],
        "groups": groups,
    }
