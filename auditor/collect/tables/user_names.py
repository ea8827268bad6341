"""Caches the ids and names of all users for joins with usage reports: in memory if there are few, else in a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa

from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.report_csv import folded
from auditor.collect.tables.row_groups import one_array
from auditor.files.folder import Folder
from auditor.files.output import opened
from auditor.snapshot.arrow_memory import release_arrow_memory
from auditor.snapshot.schema import USERS_PER_ROW_GROUP

_SCHEMA: Final = pa.schema([("id", pa.string()), ("userPrincipalName", pa.string())])
_BATCH_USERS: Final = 32_768
"""Users per batch."""
_FILE: Final = "user-names.arrow"
_MAX_IN_MEMORY: Final = 2 * USERS_PER_ROW_GROUP
"""Users up to which names are kept in memory: about 20 MB."""


class UserNames:
    """Ids and user principal names in lower case, in the order and the tables of a Spool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._batches: list[pa.RecordBatch] | None = None
        self._on_disk = False

    def batches(self, users: Spool) -> Iterator[pa.RecordBatch]:
        """Yield (id, userPrincipalName); the users are read once, at the first call."""
        if self._batches is None:
            self._batches, self._on_disk = [], users.rows > _MAX_IN_MEMORY
            if self._on_disk:
                self._write(_folded(users))
            else:
                self._batches.extend(_folded(users))
        if not self._on_disk:
            yield from self._batches
            return
        with pa.OSFile(str(self._folder / _FILE), "rb") as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
        release_arrow_memory()  # otherwise the memory of all names remains allocated while the next rows are read

    def _write(self, batches: Iterator[pa.RecordBatch]) -> None:
        with Folder.open_or_create(self._folder.parent, self._folder.name) as folder:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            with opened(folder.create(_FILE)) as file, pa.ipc.new_file(file, _SCHEMA, options=options) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        release_arrow_memory()


def _folded(users: Spool) -> Iterator[pa.RecordBatch]:
    for table in users.tables(_BATCH_USERS, columns=_SCHEMA.names):
        names = folded(one_array(table["userPrincipalName"]))
        yield pa.RecordBatch.from_arrays([one_array(table["id"]), names], schema=_SCHEMA)
