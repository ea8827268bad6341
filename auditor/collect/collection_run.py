"""One run of `auditor collect`: its instant, and the answers of Graph from which it is resumed when interrupted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.collect.work_folder import active, is_abandoned, name_of_work, suffix_of
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.settings import Tenant
from auditor.files.folder import Folder
from auditor.files.names import instant_of, name_of_instant, tenant_name
from auditor.files.temporary import lock
from auditor.graph.transport.response_record import ResponseRecord
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.reader import manifest_of

_MAX_AGE: Final = timedelta(hours=24)
"""Age of a run up to which it can be resumed; a snapshot should not contain older data than its users expect."""


class CollectionRun(Struct, frozen=True, kw_only=True):
    """A run that writes the snapshots of one instant below a root."""

    root: Path
    instant: datetime
    folder: Path | None = None
    """Hidden folder with the answers for tenants whose snapshot is not written yet; None if none are recorded."""
    resumed: bool = False

    def finished(self, tenant: Tenant) -> Path | None:
        """Return the folder of the snapshot that a resumed run wrote for a tenant before; None if there is none."""
        folder = self.root / tenant_name(tenant.name) / name_of_instant(self.instant)
        is_finished = self.resumed and folder.exists() and manifest_of(folder).tenant_id == tenant.tenant_id
        return folder if is_finished else None

    @contextmanager
    def record(self, tenant: Tenant) -> Iterator[ResponseRecord | None]:
        """Yield the record of a tenant's answers, if any; it is deleted if the block ends without an exception."""
        if self.folder is None:
            yield None
            return
        # With the id, because the same requests have other answers if a wrong id was corrected before the run resumed.
        record = ResponseRecord(self.folder, f"{tenant_name(tenant.name)}-{tenant.tenant_id}")
        try:
            yield record
        except BaseException:
            record.close()
            raise
        record.discard()


@contextmanager
def collection_run(root: Path, instant: datetime, *, resume: bool) -> Iterator[CollectionRun]:
    """Start a run at an instant, or resume the latest one that was interrupted, with the instant of that one.

    The folder of the run remains if the block ends with an exception, such as KeyboardInterrupt. A new run removes the
    folders of earlier ones. Raises UsageError if there is no run to resume.
    """
    interrupted = sorted(_interrupted_runs(root))
    if resume:
        if not interrupted or instant - interrupted[-1][0] > _MAX_AGE:
            raise _nothing_to_resume(root, interrupted[-1][0] if interrupted else None)
        instant, previous = interrupted[-1]
    with Folder.open_or_create(root) as parent:
        name = name_of_work(name_of_instant(instant))
        if resume:
            parent.rename(previous.name, name)
        else:
            for _, folder in interrupted:
                shutil.rmtree(folder, ignore_errors=True)
        with parent.folder(name) as own, active(root):
            lock(own)
            yield CollectionRun(root=root, instant=instant, resumed=resume, folder=own.path)
    shutil.rmtree(root / name, ignore_errors=True)


def is_resumable(root: Path) -> bool:
    """Return whether a run below a root ended early, so that another one can continue it."""
    return next(_interrupted_runs(root), None) is not None


def _interrupted_runs(root: Path) -> Iterator[tuple[datetime, Path]]:
    """Yield the instant and the folder of each run below a root that ended early."""
    if not root.is_dir():
        return
    for folder in root.iterdir():
        suffix = suffix_of(folder.name)
        if suffix is not None and is_abandoned(folder):
            with suppress(ValueError):  # not the folder of a run
                yield instant_of(suffix), folder


def _nothing_to_resume(root: Path, instant: datetime | None) -> UsageError:
    hint = Message("run the same command without --resume")
    if instant is None:
        message = Message("no interrupted collection is in {root}", root=root)
        return UsageError("collect-resume", message, hint=hint)
    message = Message(
        "the interrupted collection in {root} is of {instant}, more than {hours} hours ago",
        root=root,
        instant=format_instant(instant),
        hours=int(_MAX_AGE.total_seconds()) // 3600,
    )
    return UsageError("collect-resume", message, hint=hint)
