"""Reads the devices that Intune manages, and counts those of each user."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.instants import INSTANT
from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import MALFORMED, Decoder
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.collect.tables.timestamps import timestamps
from auditor.domain.enums import Source
from auditor.domain.message import Count, Message
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError
from auditor.graph.paging import pages
from auditor.snapshot.schema import DEVICE_COLUMNS as COLUMNS

SELECT: Final = ("id", "lastSyncDateTime", "managementAgent", "userId")

_DEVICES = pa.schema([("id", pa.string()), ("userId", pa.string()), ("lastSync", INSTANT)])
"""One row per counted device; `id` begins with the user's id, so that rows are sorted by user."""
_OWNERS = pa.schema([("id", pa.string()), (COLUMNS[0], pa.int32()), (COLUMNS[1], INSTANT)])
_SEPARATOR = "\0"
_NEVER = int(np.iinfo(np.int64).min)
_SPOOL_BYTES = 16 << 20
_BATCH_ROWS = 16_384
"""Devices that are filtered, or counted by user, at once; a page has at most 1,000."""
_NOT_MANAGED = pa.array(["eas", "mssense", "unknown"])
"""Values of managementAgent that do not count as management; values unknown to this program do count."""
_NO_INTUNE_ERROR = "not applicable to target tenant"


class _Devices(Struct):
    """The devices that were read; only managed ones with a user are stored."""

    spool: Spool
    read: int = 0
    damaged: int = 0
    _pages: list[pa.RecordBatch] = field(default_factory=list)
    _pending_rows: int = 0

    def add(self, page: pa.RecordBatch) -> None:
        """Add a page; several pages are filtered at once."""
        self.read += page.num_rows
        self._pages.append(page)
        self._pending_rows += page.num_rows
        if self._pending_rows >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Filter the pages that were added."""
        for page in pa.Table.from_batches(self._pages).combine_chunks().to_batches() if self._pages else ():
            managed, damaged = _managed(page)
            self.spool.add(managed)
            self.damaged += damaged
        self._pages, self._pending_rows = [], 0


async def _read(context: CollectionContext) -> SourceResult:
    """Read every managed device, and build one row per user who has one."""
    devices = _Devices(Spool(context.folder, "devices", _DEVICES, limit=_SPOOL_BYTES))
    decoder = Decoder(SELECT)
    faults = []
    try:
        async for page in pages(context.graph, requests.managed_devices(context.graph, SELECT), decoder):
            devices.add(page)
            context.progress.advance(context.tenant, Source.DEVICES, page.num_rows)
    except FaultError as error:
        faults.append(_explained(error.fault))
    devices.flush()
    shortfall = None
    if damaged := devices.damaged + decoder.without_id:
        shortfall = Message("devices whose user, agent or dates are not readable: {count}", count=Count(damaged))
    coverage = context.make_coverage(
        Source.DEVICES, devices.read + decoder.without_id, faults, asked=SELECT, shortfall=shortfall
    )
    owners = Spool(context.folder, "device-owners", _OWNERS, limit=_SPOOL_BYTES)
    for batch in _owners(devices.spool):
        owners.add(batch)
    return SourceResult(coverage=(coverage,), users=owners)


def _join(users: UserRows, rows: pa.Table) -> None:
    """Add the devices of the users; those without a row have none."""
    users.set_column(COLUMNS[0], pc.fill_null(one_array(rows[COLUMNS[0]]), pa.scalar(0, pa.int32())))
    users.set_column(COLUMNS[1], one_array(rows[COLUMNS[1]]))


def _managed(page: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Return the devices of a page that are managed and have a user, and how many are damaged.

    A device is damaged if its id, user, agent or last synchronisation does not have the documented form.
    """
    devices, texts, agents, users = (page.column(name) for name in SELECT)
    has_no_key = pc.or_(pc.equal(devices, ""), _has_separator(devices))
    # A device without a user has an empty userId.
    unreadable = pc.or_(pc.is_null(agents), pc.is_null(users))
    unusable = pc.or_(has_no_key, pc.or_(unreadable, _has_separator(users)))
    damaged = pc.or_(unusable, pc.is_valid(page.column(MALFORMED)))
    managed = pc.invert(pc.is_in(pc.ascii_lower(agents), value_set=_NOT_MANAGED))
    counted = pc.and_(pc.and_not(managed, unusable), pc.not_equal(users, ""))
    owners = pc.ascii_lower(users.filter(counted))
    keys = pc.binary_join_element_wise(owners, devices.filter(counted), _SEPARATOR)
    instants, malformed = timestamps(texts.filter(counted))
    count = (pc.sum(damaged).as_py() or 0) + (pc.sum(malformed).as_py() or 0)
    return pa.RecordBatch.from_arrays([keys, owners, instants], schema=_DEVICES), count


def _has_separator(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring(texts, _SEPARATOR), fill_value=False)


def _owners(devices: Spool) -> Iterator[pa.RecordBatch]:
    """Yield the number of devices and the latest synchronisation of each user, from devices sorted by user."""
    last_owner = _OWNERS.empty_table()
    for table in devices.tables(_BATCH_ROWS):
        ones = pa.array(np.ones(table.num_rows, np.int32))
        rows = pa.table([table["userId"], ones, table["lastSync"]], schema=_OWNERS)
        counted = _by_owner(pa.concat_tables([last_owner, rows]).combine_chunks())
        # The devices of the last user may continue in the next table.
        last_owner = counted.slice(counted.num_rows - 1)
        yield from counted.slice(0, counted.num_rows - 1).to_batches()
    yield from last_owner.to_batches()


def _by_owner(rows: pa.Table) -> pa.Table:
    """Merge the rows of each user, which are adjacent."""
    users = one_array(rows["id"])
    is_first = pc.not_equal(users.slice(1), users.slice(0, len(users) - 1)).to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.concatenate([[True], is_first]))
    instants = pc.fill_null(one_array(rows[COLUMNS[1]]).cast(pa.int64()), _NEVER).to_numpy()
    latest = np.maximum.reduceat(instants, starts)
    columns = [
        users.take(pa.array(starts)),
        pa.array(np.add.reduceat(one_array(rows[COLUMNS[0]]).to_numpy(), starts, dtype=np.int32)),
        pa.array(latest, mask=latest == _NEVER).cast(INSTANT),
    ]
    return pa.table(columns, schema=_OWNERS)


def _explained(fault: Fault) -> Fault:
    """Return a fault, with a clear message if the tenant has no Intune."""
    if _NO_INTUNE_ERROR not in fault.message.lower():
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
