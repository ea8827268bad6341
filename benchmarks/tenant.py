"""Generates a snapshot of a large organisation from a seed and a number of users.

The distribution is invented, not that of a real tenant: 40 departments by Zipf's law, 30 products of Microsoft's table
with their real service plans, two assignments and a half for each user, sign-ins over a year.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.catalogue import builtin
from auditor.domain.enums import CORE_SOURCES, Cloud, Source, SourceStatus
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import (
    ASKED_OF_SOURCE,
    ASSIGNMENTS,
    GROUPS,
    MEMBERS,
    PRODUCTS,
    SERVICE_PLANS,
    USERS,
    USERS_PER_ROW_GROUP,
)
from auditor.snapshot.writer import SnapshotWriter, folder_name
from benchmarks.tenant_use import with_use, write_use_tables

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
"""The instant of the snapshot and of every audit of it."""

SUITES = {"SPE_E5": 12, "SPE_E3": 30, "SPE_F1": 25, "ENTERPRISEPREMIUM": 2, "ENTERPRISEPACK": 6, "STANDARDPACK": 5,
          "DESKLESSPACK": 4, "SPB": 3}  # fmt: skip
"""Suites → percentage of users who hold each; the other users hold none."""

ADD_ONS = {"EXCHANGESTANDARD": 2, "EXCHANGEENTERPRISE": 3, "EMS": 6, "EMSPREMIUM": 5, "AAD_PREMIUM": 5,
           "AAD_PREMIUM_P2": 6, "ATP_ENTERPRISE": 5, "INTUNE_A": 3, "VISIOCLIENT": 4, "PROJECTPROFESSIONAL": 3,
           "PROJECTPREMIUM": 1, "POWER_BI_PRO": 12, "POWER_BI_STANDARD": 30, "FLOW_FREE": 32, "POWERAPPS_VIRAL": 6,
           "TEAMS_EXPLORATORY": 2, "MCOEV": 8, "MCOMEETADV": 7, "Microsoft_365_Copilot": 5, "OFFICESUBSCRIPTION": 4,
           "WIN_DEF_ATP": 4, "RIGHTSMANAGEMENT": 1}  # fmt: skip
"""Other products → percentage of users who hold each."""

_SECOND_PATH_SHARE = 0.03
_DEPARTMENTS = ("Store", "Warehouse", "Sales", "Engineering", "Finance", "Support", "Logistics", "Marketing", "Legal",
                "Human Resources", "Försäljning", "Ingénierie", "Executive", "Procurement", "Facilities",
                *(f"Unit {number}" for number in range(1, 26)))  # fmt: skip
_COUNTRIES = ("NL", "BE", "DE", "FR", "SE", "DK", "TR", "US", "GB", "NO", "ES", "IT", "PL", "IN", "SG", "JP", "BR",
              "CA")  # fmt: skip
_JOBS = tuple(
    f"{job} {grade}"
    for job in ("Manager", "Engineer", "Analyst", "Clerk", "Driver", "Consultant", "Director", "Assistant", "Expert")
    for grade in range(1, 9)
)
_ERRORS = ("None", "CountViolation", "MutuallyExclusiveViolation", "DependencyViolation", "ProhibitedInUsageLocation")
_TEAMS = 20
_GROUP_SHARE = 0.72

Numbers = npt.NDArray[Any]


def write_tenant(root: Path, users: int, *, seed: int = 20261120, name: str = "large", use: bool = False) -> Path:
    """Write a tenant of that many users under `root`; the same seed and number give the same people.

    With `use`, also write the data of usage reports, Intune, directory roles and Conditional Access.
    """
    random = np.random.default_rng(seed)
    catalogue = builtin()
    skus = [catalogue.by_part_number(name)[0] for name in (*SUITES, *ADD_ONS)]
    manifest = _manifest(users, name, use=use)
    with SnapshotWriter(root, manifest.tenant, folder_name(manifest)) as writer:
        consumed = np.zeros(len(skus), dtype=np.int64)
        ids: list[str] = []
        for start in range(0, users, USERS_PER_ROW_GROUP):
            count = min(USERS_PER_ROW_GROUP, users - start)
            people = _people(random, start, count, users)
            if use:
                people = with_use(random, people)
            links = _assignments(random, start, count, skus)
            writer.write_users(people, links)
            consumed += np.bincount(links.column("skuId").indices.to_numpy(), minlength=len(skus))
            ids.extend(people.column("id").to_pylist())
        _small_tables(writer, random, skus, consumed.tolist(), ids)
        if use:
            write_use_tables(writer, random, ids, [group_id(number) for number in range(3)])
        return writer.commit(manifest)


def _manifest(users: int, name: str, *, use: bool) -> Manifest:
    read_at = AS_OF.isoformat()
    groups = ("assignedLicenses", "hasMembersWithLicenseErrors", "licenseProcessingState")
    asked = {Source.USERS: EVERYTHING_ABOUT_USERS, Source.GROUPS: groups}
    sources = tuple(
        Coverage(name=source, status=SourceStatus.COMPLETE, read_at=read_at, asked=asked.get(source, ()), count=users)
        for source in CORE_SOURCES
    )
    if use:
        sources += tuple(
            Coverage(name=source, status=SourceStatus.COMPLETE, read_at=read_at, asked=columns, count=users)
            for source, columns in ASKED_OF_SOURCE.items()
        )
    return Manifest(
        tenant=name, tenant_id="99999999-0000-0000-0000-000000000001", cloud=Cloud.WORLDWIDE, instant=AS_OF,
        sources=sources, display_name="A large organisation", tool_version="benchmark",
    )  # fmt: skip


def _people(random: np.random.Generator, start: int, count: int, users: int) -> pa.RecordBatch:
    numbers = range(start, start + count)
    tails = random.bytes(count * 12).hex()
    step = (1 << 32) // users
    ids = [
        f"{number * step:08x}-{tails[p : p + 4]}-4{tails[p + 4 : p + 7]}-8{tails[p + 7 : p + 10]}-"
        f"{tails[p + 10 : p + 22]}"
        for number, p in zip(numbers, range(0, count * 24, 24), strict=True)
    ]
    prefixes = np.array(["", "svc-", "test-", "adm-"])[random.choice(4, count, p=[0.97, 0.015, 0.01, 0.005])].tolist()
    names = [f"{prefix}person{number}@contoso.example" for prefix, number in zip(prefixes, numbers, strict=True)]
    country = random.choice(len(_COUNTRIES), count, p=_zipf(len(_COUNTRIES)))
    values: dict[str, Any] = {
        "id": ids,
        "userPrincipalName": names,
        "displayName": [f"Person Özgür {number}" if number % 50 == 0 else f"Person {number}" for number in numbers],
        "mail": names,
        "userType": _pick(random, count, ("Member", "Guest"), (0.95, 0.04)),
        "department": _pick(random, count, _DEPARTMENTS, tuple(_zipf(40) * 0.96)),
        "companyName": _pick(random, count, ("Contoso", "Fabrikam", "Northwind"), (0.7, 0.2, 0.1)),
        "jobTitle": _pick(random, count, _JOBS, (0.0125,) * 72),
        "employeeType": _pick(random, count, ("Employee", "Contractor", "Intern", "Service"), (0.7, 0.15, 0.03, 0.02)),
        "country": _text_column(country, _COUNTRIES, random.random(count) < 0.02),
        "city": _pick(random, count, tuple(f"City {number}" for number in range(120)), tuple(_zipf(120) * 0.95)),
        "officeLocation": _pick(random, count, tuple(f"Building {number}" for number in range(300)), (0.003,) * 300),
        "usageLocation": _text_column(country, _COUNTRIES, random.random(count) < 0.03),
        "extensionAttribute1": _pick(random, count, ("CC-100", "CC-200", "CC-300", "VIP"), (0.2, 0.2, 0.2, 0.01)),
        "mailboxType": _pick(random, count, ("user", "shared", "room", "equipment"), (0.9, 0.04, 0.01, 0.005)),
        "accountEnabled": random.random(count) > 0.07,
        "onPremisesSyncEnabled": pa.array(np.ones(count, dtype=bool), mask=random.random(count) < 0.3),
        "createdDateTime": _instants(random, count, days=2500, absent=0.001),
        "lastSignInDateTime": _instants(random, count, days=200, absent=0.12, skew=3.0),
        "lastNonInteractiveSignInDateTime": _instants(random, count, days=200, absent=0.15, skew=4.0),
        "lastSuccessfulSignInDateTime": _instants(random, count, days=220, absent=0.13, skew=3.0),
    }  # fmt: skip
    arrays = [
        pa.nulls(count, field.type)
        if field.name not in values
        else pa.array(values[field.name], field.type)
        if isinstance(values[field.name], (list, np.ndarray))
        else values[field.name].cast(field.type)
        for field in USERS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=USERS)


def _zipf(size: int) -> Numbers:
    weights = 1 / np.arange(1, size + 1)
    return np.asarray(weights / weights.sum())


def _pick(random: np.random.Generator, count: int, values: tuple[str, ...], shares: tuple[float, ...]) -> pa.Array:
    """Choose values by their shares; the remainder of 1 is absent."""
    edges = np.cumsum(shares)
    codes = np.searchsorted(edges, random.random(count), side="right")
    return _text_column(np.minimum(codes, len(values) - 1), values, codes >= len(values))


def _text_column(codes: Numbers, values: tuple[str, ...], absent: Numbers) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=absent), pa.array(values)).cast(
        pa.string()
    )


def _instants(random: np.random.Generator, count: int, *, days: int, absent: float, skew: float = 1.0) -> pa.Array:
    """Draw instants before the audit; a larger skew makes more of them recent."""
    ago = (random.random(count) ** skew * days * 86_400).astype(np.int64)
    stamps = (int(AS_OF.timestamp()) - ago) * 1_000_000
    return pa.array(stamps, mask=random.random(count) < absent).cast(pa.timestamp("us", tz="UTC"))


def _assignments(random: np.random.Generator, start: int, count: int, skus: list[Any]) -> pa.RecordBatch:
    """Draw the assignments of each user; rows are ordered by user, product and path."""
    held = np.zeros((count, len(skus)), dtype=bool)
    suites = np.searchsorted(np.cumsum(list(SUITES.values())), random.random(count) * 100, side="right")
    people = np.nonzero(suites < len(SUITES))[0]
    held[people, suites[people]] = True
    second = people[random.random(len(people)) < 0.02]
    held[second, random.integers(0, len(SUITES), len(second))] = True
    shares = np.array(list(ADD_ONS.values())) / 100
    held[:, len(SUITES) :] = random.random((count, len(shares)), dtype=np.float32) < shares
    user, sku = np.nonzero(held)
    again = np.nonzero(random.random(len(user)) < _SECOND_PATH_SHARE)[0]
    order = np.sort(np.concatenate([np.arange(len(user)), again]))
    user, sku = user[order], sku[order]
    repeated = np.concatenate([[False], order[1:] == order[:-1]])
    size = len(user)
    group = np.where(repeated, _TEAMS + len(skus) + sku % 4, _TEAMS + sku)
    direct = (random.random(size) >= _GROUP_SHARE) & ~repeated
    states = random.choice(4, size, p=[0.975, 0.005, 0.012, 0.008])
    faulty = (states == 1) | (states == 2)
    errors = np.where(faulty, random.integers(1, len(_ERRORS), size), 0)
    lost = (states == 2) & ~repeated & np.concatenate([~repeated[1:], [True]])
    disabled = _disabled_plans(random, sku, skus)
    columns = {
        "user": pa.array(user + start, pa.int64()),
        "skuId": _dictionary_column(sku, [product.sku_id for product in skus]),
        "held": pa.array(~lost),
        "disabledPlans": disabled,
        "state": _dictionary_column(states, ["Active", "ActiveWithError", "Error", "Disabled"]),
        "assignedByGroup": _dictionary_column(
            group, [group_id(number) for number in range(_TEAMS + len(skus) + 4)], direct
        ),
        "error": _dictionary_column(errors, list(_ERRORS)),
        "pathDisabledPlans": disabled,
        "lastUpdatedDateTime": _instants(random, size, days=900, absent=0.0),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in ASSIGNMENTS.names], schema=ASSIGNMENTS)


def _dictionary_column(codes: Numbers, values: list[str], absent: Numbers | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=absent), pa.array(values))


def _disabled_plans(random: np.random.Generator, sku: Numbers, skus: list[Any]) -> pa.Array:
    """Draw the disabled service plans: none for nine assignments in ten, one or two for the others."""
    plans = [plan.id for product in skus for plan in product.plans]
    first = np.cumsum([0, *(len(product.plans) for product in skus)])
    size = np.array([len(product.plans) for product in skus])
    counts = np.where(random.random(len(sku)) < 0.1, np.minimum(random.integers(1, 3, len(sku)), size[sku]), 0)
    owner = np.repeat(np.arange(len(sku)), counts)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    nth = np.arange(len(owner)) - offsets[owner]
    chosen = first[sku[owner]] + (random.integers(0, 1 << 30, len(sku))[owner] + nth) % size[sku[owner]]
    values = pa.array(plans).take(pa.array(chosen))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=pa.array(counts == 0))


def group_id(number: int) -> str:
    """Return the id of a group: teams first, then the groups that assign licences."""
    return f"aaaaaaaa-0000-0000-0000-{number:012d}"


def _small_tables(
    writer: SnapshotWriter, random: np.random.Generator, skus: list[Any], consumed: list[int], ids: list[str]
) -> None:
    products = [
        {
            "skuId": product.sku_id, "skuPartNumber": product.part_number, "appliesTo": "User",
            "capabilityStatus": "Enabled", "enabled": held + held // 50, "warning": 0, "suspended": 0, "lockedOut": 0,
            "consumed": held, "subscriptionIds": [],
        }
        for product, held in zip(skus, consumed, strict=True)
    ]  # fmt: skip
    plans = [
        {"skuId": product.sku_id, "servicePlanId": plan.id, "servicePlanName": plan.name,
         "provisioningStatus": "Success", "appliesTo": "User"}
        for product in skus
        for plan in product.plans
    ]  # fmt: skip
    licences: list[list[str]] = [[] for _ in range(_TEAMS)] + [[product.sku_id] for product in skus] + [[]] * 4
    groups = [
        {
            "id": group_id(number), "displayName": f"Group {number}", "assignedLicenses": held,
            "licenseProcessingState": "ProcessingComplete", "hasMembersWithLicenseErrors": False,
            "membersStatus": "complete", "transitiveMembersStatus": "complete",
        }
        for number, held in enumerate(licences)
    ]  # fmt: skip
    members = [
        {"groupId": group_id(number), "userId": ids[index], "transitive": transitive}
        for number in range(_TEAMS)
        for transitive, size in ((False, len(ids) // 200), (True, len(ids) // 150))
        for index in np.sort(random.choice(len(ids), max(1, size), replace=False)).tolist()
    ]
    writer.write_table("products", pa.Table.from_pylist(products, PRODUCTS))
    writer.write_table("service_plans", pa.Table.from_pylist(plans, SERVICE_PLANS))
    writer.write_table("groups", pa.Table.from_pylist(groups, GROUPS))
    writer.write_table("members", pa.Table.from_pylist(members, MEMBERS))


def main(root: Path, users: int, tenants: int = 0) -> None:
    """Write one tenant, or several with different seeds and names."""
    if not tenants:
        write_tenant(root, users)
    for number in range(tenants):
        write_tenant(root, users, seed=number, name=f"tenant-{number:04}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
