"""Evaluates a snapshot with plain Python loops in a separate process and prints the times.

usage: python -m benchmarks.processes.loops SNAPSHOT POLICIES interpreted|compiled ...
"""

import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.catalogue import builtin
from auditor.domain.policy.model import Policy
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from benchmarks.peers import compiled_loops, interpreted_loops
from benchmarks.peers.compiled_loops import Row, World
from benchmarks.peers.digest import COLUMNS, digest
from benchmarks.tenant import AS_OF


class AssignmentState(msgspec.Struct, gc=False):
    """One entry of licenseAssignmentStates."""

    sku: str
    active: bool
    group: str | None
    error: str | None
    disabled: tuple[str, ...]


_TEXTS = ("id", "userPrincipalName", "userType", "department", "companyName", "jobTitle", "employeeType", "country",
          "usageLocation", "extensionAttribute1", "mailboxType")  # fmt: skip
_OTHERS = ("accountEnabled", "onPremisesSyncEnabled", "createdDateTime", "lastSignInDateTime", "latest", "held",
           "paths")  # fmt: skip
User: Any = msgspec.defstruct("User", (*_TEXTS, *_OTHERS), gc=False)
"""The properties that the rules read; texts are casefolded."""
_STAMPS = ("createdDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")
_LINKS = ("user", "skuId", "held", "state", "assignedByGroup", "error", "pathDisabledPlans")


def build(folder: Path, world: World) -> list[Any]:
    """Decode the snapshot into structs; equal texts share one object."""
    rank = {sku: index for index, sku in enumerate(world.part)}
    users: list[Any] = []
    people, links = pq.ParquetFile(folder / "users.parquet"), pq.ParquetFile(folder / "assignments.parquet")
    for group in range(people.num_row_groups):
        table = people.read_row_group(group)
        columns: list[list[Any]] = [[_fold(text) for text in table[name].to_pylist()] for name in _TEXTS]
        columns.append(table["accountEnabled"].to_pylist())
        columns.append([bool(value) for value in table["onPremisesSyncEnabled"].to_pylist()])
        stamps = [table[name].cast("int64").to_pylist() for name in _STAMPS]
        first = len(users)
        for row in zip(*columns, *stamps, strict=True):
            *facts, created, interactive, background, successful = row
            latest = max((stamp for stamp in (interactive, background, successful) if stamp is not None), default=None)
            users.append(User(*(*facts, created, interactive, latest, [], [])))
        for user in users[first:]:
            user.userType = user.userType or "member"
        table = links.read_row_group(group)
        for owner, text, held, state, by, error, disabled in zip(*(table[n].to_pylist() for n in _LINKS), strict=True):
            user, sku = users[owner], sys.intern(text)
            active = state in ("Active", "ActiveWithError")
            user.paths.append(AssignmentState(sku, active, by and sys.intern(by), error, tuple(disabled or ())))
            if held and sku not in user.held:
                user.held.append(sku)
        for user in users[first:]:
            user.held.sort(key=rank.__getitem__)
    return users


def _fold(text: str | None) -> str | None:
    return sys.intern(text.casefold()) if text else None


def world_of(folder: Path) -> World:
    """Read the data that the rules look up."""
    snapshot, catalogue = read(folder), builtin()
    products = sorted(snapshot.table("products").to_pylist(), key=lambda row: (row["skuPartNumber"], row["skuId"]))
    plans: dict[str, dict[str, str]] = {row["skuId"]: {} for row in products}
    for row in snapshot.table("service_plans").to_pylist():
        plans[row["skuId"]][row["servicePlanId"]] = row["servicePlanName"]
    names = {row["id"]: row["displayName"] for row in snapshot.table("groups").to_pylist()}
    members: dict[tuple[str, bool], set[str]] = {}
    for row in snapshot.table("members").to_pylist():
        members.setdefault((names[row["groupId"]], row["transitive"]), set()).add(row["userId"])
    part = {row["skuId"]: row["skuPartNumber"] for row in products}
    free = frozenset(sku for sku, name in part.items() if name.casefold() in catalogue.free or sku in catalogue.free)
    return World(
        as_of=AS_OF, part=part, plans=plans, free=free, members={key: frozenset(ids) for key, ids in members.items()}
    )


_STYLES = {"interpreted": interpreted_loops.rule, "compiled": compiled_loops.rule}


def main(snapshot: str, policy_file: str, *styles: str) -> None:
    """Build once, run every rule once in each style, and print seconds and the digest of the findings."""
    policies = load([(policy_file, Path(policy_file).read_bytes())]).policies
    world = world_of(Path(snapshot))
    ordered = sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id))
    build_started = time.perf_counter()
    users = build(Path(snapshot), world)
    readings: dict[str, Any] = {"build": time.perf_counter() - build_started}
    pa.table({"": [""]})  # PyArrow searches for pandas once, outside the measurement
    gc.collect()
    gc.freeze()
    gc.disable()
    for style in styles:
        compiled = [(policy, _STYLES[style](policy, policies.waivers, world)) for policy in ordered]
        started, cpu = time.perf_counter(), time.process_time()
        findings: list[tuple[Any, list[Row]]] = [(policy, rule(users)) for policy, rule in compiled]
        times = {"rules": time.perf_counter() - started, "rules cpu": time.process_time() - cpu}
        table = _table(findings, world)
        times |= {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
        del findings
        readings[style] = times | digest(table)
        del table
    print(json.dumps(readings))


_SORTED_BY = ("check", "subject", "skuPartNumber", "skuId", "detail", "waiver")


def _table(findings: Sequence[tuple[Policy, list[Row]]], world: World) -> pa.Table:
    """Return the findings as a table in report order, like the result of the engine."""
    columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
    sorted_by = [columns[name] for name in _SORTED_BY]
    for policy, rows in findings:
        keys = [_key(row, world) for row in rows]
        keys.sort()
        columns["policy"] += [policy.id] * len(keys)
        columns["severity"] += [policy.severity.value] * len(keys)
        for column, values in zip(sorted_by, zip(*keys, strict=True), strict=bool(keys)):
            column.extend(values)
    return pa.table(columns)


def _key(row: Row, world: World) -> tuple[str, ...]:
    """Return the fields of a finding as the sort key among the findings of one policy."""
    subject, check, product, detail, waiver = row
    part, sku = (world.part[product], product) if product in world.part else (product or "", "")
    return (check, subject.id if type(subject) is User else subject, part, sku, detail or "", waiver or "")


if __name__ == "__main__":
    main(*sys.argv[1:])
