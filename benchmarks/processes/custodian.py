"""Evaluates a snapshot with Cloud Custodian's filters in a separate process.

usage: python -m benchmarks.processes.custodian SNAPSHOT

Only the filter engine runs (ValueFilter, Or, Not), over plain dicts and with a stub instead of its resource manager;
each policy applies its filters one after the other, as Custodian does. Its libraries must be on the module path.
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from c7n.filters import FilterRegistry, ValueFilter  # type: ignore[import-not-found]

from benchmarks.peers.digest import digest_of_pairs
from benchmarks.tenant import ADD_ONS, AS_OF, SUITES

FREE = frozenset({"POWER_BI_STANDARD", "FLOW_FREE", "POWERAPPS_VIRAL", "TEAMS_EXPLORATORY"})
PAID = [name for name in (*SUITES, *ADD_ONS) if name not in FREE]
Filter = dict[str, Any]


class StubManager:
    """The part of a resource manager that the filters use."""

    type = "user"
    data: dict[str, Any] = {}  # noqa: RUF012  the filters do not change it

    class Model:
        """Names the key that identifies a resource."""

        id = "id"

    def get_model(self) -> object:
        """Return the class with the key that identifies a resource."""
        return self.Model


def _is(key: str, value: object) -> Filter:
    return {"type": "value", "key": key, "value": value}


def _in(key: str, values: list[str]) -> Filter:
    return {"type": "value", "key": key, "op": "in", "value": values}


def _holds(names: list[str]) -> Filter:
    return {"type": "value", "key": "licenses", "op": "intersect", "value": names}


def _before(key: str, days: int) -> Filter:
    return {"type": "value", "key": key, "op": "lt", "value": _micros(days)}


def _micros(days: int) -> int:
    return int((AS_OF - timedelta(days=days)).timestamp()) * 1_000_000


def _after(key: str, days: int) -> Filter:
    return {"type": "value", "key": key, "op": "gte", "value": _micros(days)}


def _absent(key: str) -> Filter:
    return {"type": "value", "key": key, "value": "absent"}


def _not_in(key: str, values: list[str]) -> Filter:
    return {"and": [{"type": "value", "key": key, "value": "present"}, {"not": [_in(key, values)]}]}


def _matches(key: str, glob: str) -> Filter:
    return {"type": "value", "key": key, "op": "glob", "value": glob}


def _lacks(names: list[str]) -> Filter:
    return {"not": [_holds(names)]}


def _paid_but(*names: str) -> Filter:
    return _holds([name for name in PAID if name not in names])


def _suites_but(*names: str) -> Filter:
    return _holds([name for name in SUITES if name not in names])


_ON, _OFF = _is("accountEnabled", value=True), _is("accountEnabled", value=False)
_MEMBER, _GUEST = _is("userType", "member"), _is("userType", "guest")
_FRONTLINE: list[Filter] = [_in("department", ["store", "warehouse", "logistics"]), _MEMBER]
_MACHINE: Filter = {
    "or": [
        _matches("userPrincipalName", "svc-*"),
        _matches("userPrincipalName", "test-*"),
        _is("employeeType", "service"),
    ]
}
_EXCHANGE_PLAN_2 = ["SPE_E5", "SPE_E3", "ENTERPRISEPREMIUM", "ENTERPRISEPACK", "EXCHANGEENTERPRISE"]
_ABROAD = ["nl", "be", "de", "fr", "se", "dk", "tr", "us", "gb"]
RULES: dict[str, list[Filter]] = {
    "leavers-paid": [_OFF, _holds(PAID)],
    "guests-paid": [_GUEST, _holds(PAID)],
    "machines-suites": [_MACHINE, _holds(list(SUITES))],
    "frontline-f3": [
        *_FRONTLINE,
        {"or": [_suites_but("SPE_F1", "DESKLESSPACK"), _lacks(["SPE_F1", "SPE_E3", "DESKLESSPACK"])]},
    ],
    "office-suite": [{"not": _FRONTLINE}, _ON, _is("employeeType", "employee"), _lacks(list(SUITES))],
    "shared-mailboxes": [
        _in("mailboxType", ["shared", "room", "equipment"]),
        _paid_but("EXCHANGESTANDARD", "EXCHANGEENTERPRISE"),
    ],
    "inactive-90": [_before("latest", 90), _holds(["SPE_E5", "ENTERPRISEPREMIUM"])],
    "inactive-180": [_before("latest", 180), _holds(PAID)],
    "inactive-interactive": [_before("lastSignInDateTime", 120), _ON, _holds(["Microsoft_365_Copilot"])],
    "never-signed-in": [
        _absent("latest"),
        {"or": [_absent("createdDateTime"), _before("createdDateTime", 30)]},
        _holds(PAID),
    ],
    "newcomers": [_after("createdDateTime", 30), _ON, _lacks(list(SUITES))],
    "location": [_holds([*SUITES, *ADD_ONS]), _absent("usageLocation")],
    "department": [
        _ON,
        _holds([*SUITES, *ADD_ONS]),
        {"or": [_absent("department"), _absent("jobTitle"), _absent("country")]},
    ],
    "countries": [_holds([*SUITES, *ADD_ONS]), _not_in("usageLocation", _ABROAD)],
    "companies": [
        _MEMBER,
        {
            "or": [
                _not_in("companyName", ["contoso", "fabrikam"]),
                _not_in("employeeType", ["employee", "contractor", "intern"]),
            ]
        },
    ],
    "visio-departments": [
        {"not": [_in("department", ["engineering", "facilities", "ingénierie"])]},
        _holds(["VISIOCLIENT"]),
    ],
    "project-managers": [_matches("jobTitle", "*manager*"), _lacks(["PROJECTPROFESSIONAL", "PROJECTPREMIUM"])],
    "directors-e5": [_matches("jobTitle", "director ?"), _ON, _lacks(["SPE_E5", "ENTERPRISEPREMIUM"])],
    "admins-clean": [_matches("userPrincipalName", "adm-*"), _paid_but("AAD_PREMIUM_P2")],
    "vip": [_is("extensionAttribute1", "vip"), _lacks(["SPE_E5"])],
    "cost-centre": [_is("extensionAttribute1", "cc-300"), _holds(["POWER_BI_PRO", "PROJECTPREMIUM"])],
    "viral": [_GUEST, _holds(["POWERAPPS_VIRAL", "FLOW_FREE", "TEAMS_EXPLORATORY"])],
    "calling": [_in("usageLocation", ["in", "sg", "jp", "br"]), _holds(["MCOEV", "MCOMEETADV"])],
    "contractors": [_is("employeeType", "contractor"), _suites_but("SPE_E3", "SPE_F1", "ENTERPRISEPACK")],
    "cloud-only": [_is("onPremisesSyncEnabled", value=False), _MEMBER, _holds(["RIGHTSMANAGEMENT"])],
    "nobody-without": [_lacks([*SUITES, *ADD_ONS]), _ON],
    "exchange-plan2": [_holds(_EXCHANGE_PLAN_2), _holds(["EXCHANGESTANDARD"])],
}
"""The policies of fifty.yaml that can be expressed as filters."""

_TEXTS = ("id", "userPrincipalName", "userType", "department", "employeeType", "usageLocation", "mailboxType",
          "extensionAttribute1", "companyName", "jobTitle", "country")  # fmt: skip
_SIGN_INS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")


def resources_of(folder: Path) -> list[dict[str, Any]]:
    """Decode the snapshot into dicts, with folded texts and without absent values."""
    people = pq.ParquetFile(folder / "users.parquet").read()
    links = pq.ParquetFile(folder / "assignments.parquet").read(columns=["user", "skuId", "held"])
    products = pq.ParquetFile(folder / "products.parquet").read(columns=["skuId", "skuPartNumber"]).to_pylist()
    names = {row["skuId"]: row["skuPartNumber"] for row in products}
    columns = {name: [value and value.casefold() for value in people[name].to_pylist()] for name in _TEXTS}
    columns["accountEnabled"] = people["accountEnabled"].to_pylist()
    columns["onPremisesSyncEnabled"] = [bool(value) for value in people["onPremisesSyncEnabled"].to_pylist()]
    columns["lastSignInDateTime"] = people["lastSignInDateTime"].cast("int64").to_pylist()
    columns["createdDateTime"] = people["createdDateTime"].cast("int64").to_pylist()
    stamps = [people[name].cast("int64").to_pylist() for name in _SIGN_INS]
    columns["latest"] = [max((s for s in row if s is not None), default=None) for row in zip(*stamps, strict=True)]
    resources: list[dict[str, Any]] = [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in zip(*columns.values(), strict=True)
    ]
    for resource in resources:
        resource.setdefault("userType", "member")
        resource["licenses"] = []
    for user, sku, held in zip(*(links[name].to_pylist() for name in ("user", "skuId", "held")), strict=True):
        if held and names[sku] not in resources[user]["licenses"]:
            resources[user]["licenses"].append(names[sku])
    return resources


def main(snapshot: str) -> None:
    """Filter once with every rule and print the seconds and matching users."""
    registry = FilterRegistry("user.filters")
    registry.register("value", ValueFilter)
    manager = StubManager()
    resources = resources_of(Path(snapshot))
    started, cpu = time.perf_counter(), time.process_time()
    pairs: list[tuple[str, str]] = []
    for policy, rules in RULES.items():
        remaining = resources
        for rule_filter in (registry.factory(rule, manager) for rule in rules):
            remaining = rule_filter.process(remaining)
        pairs.extend((policy, resource["id"]) for resource in remaining)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    readings = {"seconds": seconds, "cpu": used, "users": len(resources), "policies": list(RULES)}
    print(json.dumps(readings | {"pairs": digest_of_pairs(pairs)}))


if __name__ == "__main__":
    main(sys.argv[1])
