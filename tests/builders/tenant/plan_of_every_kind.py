"""A tenant of the emulator whose plan has a change of every kind, and the policies that require the changes."""

from typing import Any

from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.writer import block
from tests.builders.tenant.plan_tenants import E3, E5, F3, PARTS, PRICES, VISIO, grant, user
from tests.emulator.tenant.directory import stable_id

RULES = f"""version: 1
policies:
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{of: paid, allow: []}}}}
  - {{id: store, severity: high, users: {{department: Store, accountEnabled: true}}, assignments: {{of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}}}
  - {{id: twice, severity: low, assignments: {{duplicates: deny}}}}
  - {{id: errors, severity: high, health: {{errors: deny, groups: deny}}}}
  - {{id: empty, severity: low, health: {{empty: deny}}}}
  - {{id: teams, severity: low, users: {{department: Office}}, assignments: {{services: {{deny: [TEAMS1]}}}}}}
  - {{id: placed, severity: low, attributes: {{require: [department]}}}}
  - {{id: via, severity: medium, users: {{department: Via}}, assignments: {{of: [SPE_E3], via: group}}}}
{PRICES}
"""
DEPARTMENT = "O\u2019Brien {{x}} 'd\u00e9p\u00f4t'"
"""The value that a decision sets, with characters that are special in scripts and REST clients."""


def rules() -> Loaded:
    """Return the policies with their decisions."""
    scope = {"policy": "placed", "users": {"userPrincipalName": "placeless@contoso.example"}}
    answer = {"set": {"department": DEPARTMENT}}
    item = {"id": "D-1", "for": scope, "answer": answer, "by": "me@c.example", "on": "2026-11-20"}
    text = f"version: 1\ndecisions:\n{block([item])}".encode()
    return load([("p.yaml", RULES.encode())], decisions=[("decisions.yaml", text)])


def _person(name: str, *grants: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return user(name, *grants, **facts) | {"id": stable_id("plan", name)}


def _group(name: str, sku: str, *members: str) -> dict[str, Any]:
    return {
        "id": stable_id("plan", name),
        "displayName": name,
        "groupTypes": [],
        "mailEnabled": False,
        "securityEnabled": True,
        "assignedLicenses": [{"skuId": sku, "disabledPlans": []}],
        "licenseProcessingState": {"state": "ProcessingComplete"},
        "members": [f"{member}@contoso.example" for member in members],
    }


def document(**names: str) -> dict[str, Any]:
    """Return the tenant; `names` replaces display names, by the name of a group or the user name before the at sign."""
    f3, e5, e3 = (stable_id("plan", name) for name in ("LIC-F3", "LIC-E5", "LIC-E3"))
    people = [
        _person("leaver", grant(VISIO), grant(E3, e3), accountEnabled=False),
        _person("mover", grant(E3, off=("57ff2da0-773e-42df-b2af-ffb7a2317929",)), department="Store"),
        _person("waiting", grant(F3, f3, error="CountViolation"), department="Store"),
        _person("double", grant(F3, f3), grant(F3), department="Store"),
        _person("office", grant(E3), department="Office"),
        _person("one", grant(E5, e5), department="Store"),
        _person("two", grant(E5, e5), department="Store"),
        _person("via", grant(E3), department="Via"),
        _person("member", grant(E3, e3), department="Via"),
        _person("placeless", grant(F3), department=None),
    ]
    groups = [
        _group("LIC-F3", F3, "waiting", "double"),
        _group("LIC-E5", E5, "one", "two"),
        _group("LIC-E3", E3, "leaver", "member"),
        _group("LIC-Empty", VISIO),
    ]
    for item in (*people, *groups):
        name = str(item.get("userPrincipalName", item["displayName"])).partition("@")[0]
        item["displayName"] = names.get(name, item["displayName"])
    return {
        "name": "contoso",
        "tenantId": stable_id("plan", "contoso"),
        "users": people,
        "subscribedSkus": [
            {"skuPartNumber": PARTS[sku], "enabled": n} for sku, n in ((E3, 9), (E5, 9), (F3, 6), (VISIO, 2))
        ],
        "groups": groups,
    }
