"""Generates the data of usage reports, Intune, directory roles and Conditional Access for the tenant of `tenant.py`."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from auditor.domain.enums import Source
from auditor.snapshot.schema import (
    ACTIVITY_COLUMNS,
    APP_USAGE_COLUMNS,
    CONDITIONAL_ACCESS_POLICIES,
    DEVICE_COLUMNS,
    REPORT_COLUMNS,
    REPORTS,
    ROLE_ASSIGNMENTS,
    ROLE_DEFINITIONS,
    USERS,
)
from auditor.snapshot.writer import SnapshotWriter

_REFRESH_DATE = date(2026, 11, 18)
"""The last day that the reports cover."""


def with_use(random: np.random.Generator, people: pa.RecordBatch) -> pa.RecordBatch:
    """Fill the columns of usage reports, devices and agents."""
    count, today = people.num_rows, (_REFRESH_DATE - date(1970, 1, 1)).days
    values: dict[str, Any] = {
        column: pa.array((today - random.random(count) ** 3 * 180).astype(np.int32), mask=random.random(count) < 0.2)
        for column in ACTIVITY_COLUMNS.values()
    }
    values |= {column: random.integers(0, 1 << 24, count).astype(np.int32) for column in APP_USAGE_COLUMNS.values()}
    size, archive = REPORT_COLUMNS[Source.MAILBOX_USAGE]
    values[size] = (random.random(count) ** 4 * 100 * 2**30).astype(np.int64)
    values[archive] = random.random(count) < 0.1
    values[DEVICE_COLUMNS[0]] = random.integers(0, 3, count).astype(np.int32)
    values[DEVICE_COLUMNS[1]] = people.column("lastSignInDateTime")
    values["agent"] = random.random(count) < 0.001
    for name, column in values.items():
        index = USERS.get_field_index(name)
        people = people.set_column(index, USERS.field(index), pa.array(column).cast(USERS.field(index).type))
    return people


def write_use_tables(writer: SnapshotWriter, random: np.random.Generator, ids: list[str], groups: list[str]) -> None:
    """Write the reports, 20 directory roles of 1,000 people, and two policies of Conditional Access."""
    reports = [
        {"source": source.value, "period": period, "refreshDate": _REFRESH_DATE, "rows": len(ids)}
        for source in REPORT_COLUMNS
        for period in (APP_USAGE_COLUMNS if source is Source.APP_USAGE else ("D180",))
    ]
    roles = [
        {"id": f"role-{number}", "templateId": f"role-{number}", "displayName": f"Role {number}", "isBuiltIn": False}
        for number in range(20)
    ]
    holders = [
        {"id": f"assignment-{number}", "principalId": ids[index], "roleDefinitionId": f"role-{number % 20}",
         "directoryScopeId": "/", "eligible": number % 2 == 0}
        for number, index in enumerate(random.choice(len(ids), min(1000, len(ids)), replace=False).tolist())
    ]  # fmt: skip
    policies = [
        {"id": "all", "displayName": "Everybody", "state": "enabled", "includeUsers": ["All"],
         "excludeGroups": [groups[0]]},
        {"id": "risk", "displayName": "Risk", "state": "enabled", "includeGroups": [groups[1], groups[2]],
         "includeRoles": ["role-1"], "signInRiskLevels": ["high"]},
    ]  # fmt: skip
    for name, rows, schema in (
        ("reports", reports, REPORTS), ("role_definitions", roles, ROLE_DEFINITIONS),
        ("role_assignments", holders, ROLE_ASSIGNMENTS),
        ("conditional_access_policies", policies, CONDITIONAL_ACCESS_POLICIES),
    ):  # fmt: skip
        writer.write_table(name, pa.Table.from_pylist(rows, schema))
