"""A tenant of the emulator whose plan has a change of every kind, and the policies that require the changes."""

from typing import Any

from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.writer import block
from tests.builders.tenant import emulated_tenant
from tests.builders.tenant.emulated_tenant import group, user
from tests.builders.tenant.plan_tenants import CLOUD_GROUP, E3, E5, F3, PRICES, VISIO, grant
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


def document(**names: str) -> dict[str, Any]:
    """Return the tenant; `names` replaces display names, by the name of a group or the user name before the at sign."""
    f3, e5, e3 = (stable_id("plan", name) for name in ("LIC-F3", "LIC-E5", "LIC-E3"))
    people = [
        user("leaver", grant(VISIO), grant(E3, e3), accountEnabled=False),
        user("mover", grant(E3, off=("57ff2da0-773e-42df-b2af-ffb7a2317929",)), department="Store"),
        user("waiting", grant(F3, f3, error="CountViolation"), department="Store"),
        user("double", grant(F3, f3), grant(F3), department="Store"),
        user("office", grant(E3), department="Office"),
        user("one", grant(E5, e5), department="Store"),
        user("two", grant(E5, e5), department="Store"),
        user("via", grant(E3), department="Via"),
        user("member", grant(E3, e3), department="Via"),
        user("placeless", grant(F3), department=None),
    ]
    groups = [
        group("LIC-F3", F3, members=("waiting", "double"), **CLOUD_GROUP),
        group("LIC-E5", E5, members=("one", "two"), **CLOUD_GROUP),
        group("LIC-E3", E3, members=("leaver", "member"), **CLOUD_GROUP),
        group("LIC-Empty", VISIO, **CLOUD_GROUP),
    ]
    for item in (*people, *groups):
        name = str(item.get("userPrincipalName", item["displayName"])).partition("@")[0]
        item["displayName"] = names.get(name, item["displayName"])
    return emulated_tenant.document(people, *groups, SPE_F1=6, VISIOCLIENT=2)
