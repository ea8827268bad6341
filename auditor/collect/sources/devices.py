"""Reads the devices that Intune manages, and counts those of each user."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeGuard

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import Rows
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.collect.tables.timestamps import timestamps
from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError
from auditor.snapshot.schema import DEVICE_COLUMNS as COLUMNS

SELECT: Final = ("id", "lastSyncDateTime", "managementAgent", "userId")

_INSTANT = pa.timestamp("us", tz="UTC")
_DEVICES = pa.schema([("id", pa.string()), ("lastSync", _INSTANT)])
"""A row per counted device; the id is that of its user and its own, which are sorted by user."""
_OWNERS = pa.schema([("id", pa.string()), (COLUMNS[0], pa.int32()), (COLUMNS[1], _INSTANT)])
_SEPARATOR = "\0"
_NOT_MANAGED = frozenset({"eas", "mssense", "unknown"})
"""Agents that do not manage a device; one that this program does not know counts."""
_NO_INTUNE = "not applicable to target tenant"


@dataclass(slots=True)
class _Counts:
    """What was met while devices were read."""

    read: int = 0
    damaged: int = 0
    """Devices whose id, user, agent or last synchronisation has not the documented form."""


async def _read(context: CollectionContext) -> SourceResult:
    """Read every managed device, and make a row of each user who has one."""
    devices = Spool(context.folder, "devices", _DEVICES)
    counts, faults = _Counts(), []
    try:
        async for page in context.rows(Source.DEVICES, requests.managed_devices(context.graph, SELECT)):
            counts.read += len(page)
            devices.add(_batch(page, counts))
    except FaultError as error:
        faults.append(_explained(error.fault))
    shortfall = None
    if counts.damaged:
        shortfall = Message("devices whose user, agent or dates are not readable: {count}", count=counts.damaged)
    coverage = context.make_coverage(Source.DEVICES, counts.read, faults, asked=SELECT, shortfall=shortfall)
    owners = Spool(context.folder, "device-owners", _OWNERS)
    for batch in _owners(devices):
        owners.add(batch)
    return SourceResult(coverage=(coverage,), users=owners)


def _join(users: UserRows, rows: pa.Table | None, indices: pa.Array) -> None:
    """Add the devices of the users in `rows`; users without a row have none."""
    none = pa.nulls(len(indices), _INSTANT)
    counts = pa.nulls(len(indices), pa.int32()) if rows is None else one_array(rows[COLUMNS[0]]).take(indices)
    users.set_column(COLUMNS[0], pc.fill_null(counts, pa.scalar(0, pa.int32())))
    users.set_column(COLUMNS[1], none if rows is None else one_array(rows[COLUMNS[1]]).take(indices))


def _batch(page: Rows, counts: _Counts) -> pa.RecordBatch:
    """Return the devices of a page that are managed and have a user."""
    keys: list[str] = []
    stamps: list[str | None] = []
    for row in page:
        device, user, agent, stamp = (row.get(name) for name in ("id", "userId", "managementAgent", "lastSyncDateTime"))
        if not _is_key(device) or not isinstance(agent, str) or not (user is None or user == "" or _is_key(user)):
            counts.damaged += 1
        elif user and agent.casefold() not in _NOT_MANAGED:
            keys.append(f"{user.lower()}{_SEPARATOR}{device.lower()}")
            stamps.append(stamp if isinstance(stamp, str) else None)
            counts.damaged += stamp is not None and not isinstance(stamp, str)
    instants, malformed = timestamps(pa.array(stamps, pa.string()))
    counts.damaged += pc.sum(malformed).as_py() or 0
    return pa.RecordBatch.from_arrays([pa.array(keys, pa.string()), instants], schema=_DEVICES)


def _is_key(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != "" and _SEPARATOR not in value


def _owners(devices: Spool) -> Iterator[pa.RecordBatch]:
    """Yield the number of devices and the latest synchronisation of each user, from devices sorted by user."""
    ahead: pa.Table | None = None
    for table in devices.tables():
        owners = pc.list_element(pc.split_pattern(one_array(table["id"]), _SEPARATOR, max_splits=1), 0)
        ones = pa.array([1], pa.int32()).take(pa.nulls(table.num_rows, pa.int8()).fill_null(0))
        rows = pa.table([owners, ones, one_array(table["lastSync"])], schema=_OWNERS)
        counted = _by_owner(rows if ahead is None else pa.concat_tables([ahead, rows]))
        # The devices of the last user may go on in the next table.
        ahead = counted.slice(max(0, counted.num_rows - 1))
        yield from counted.slice(0, max(0, counted.num_rows - 1)).to_batches()
    if ahead is not None:
        yield from ahead.to_batches()


def _by_owner(rows: pa.Table) -> pa.Table:
    grouped = rows.group_by("id", use_threads=False).aggregate([(COLUMNS[0], "sum"), (COLUMNS[1], "max")])
    table = pa.table([grouped["id"], grouped[f"{COLUMNS[0]}_sum"], grouped[f"{COLUMNS[1]}_max"]], names=_OWNERS.names)
    return table.cast(_OWNERS).sort_by("id")


def _explained(fault: Fault) -> Fault:
    """Return a fault; that of a tenant without Intune says so."""
    if _NO_INTUNE not in fault.message.lower():
        return fault
    return replace(fault, message=Message("the tenant has no Intune: {said}", said=fault.message), remedy=None)


DEVICES: Final = CollectionSource(
    fills=(Source.DEVICES,),
    permissions=(
        Permission(
            name="DeviceManagementManagedDevices.Read.All",
            role_id="2f51be20-0bb4-4fed-bf7b-db946066c75e",
            included_in=("DeviceManagementManagedDevices.ReadWrite.All",),
        ),
    ),
    read=_read,
    requires=(USERS,),
    join=_join,
)
