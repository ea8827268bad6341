"""Finds the approvals and pages that `auditor plan --by owner` wrote for the reader of a mail."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.mail.attachment import zip_archive
from auditor.app.plan.owners import APPROVALS, INDEX, PAGE, OwnerFiles, OwnerIndex
from auditor.app.recipients.envelopes import Envelope
from auditor.deliver.mail.mail_message import Attachment
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.files import input as files
from auditor.files import json_document
from auditor.files.saved_file import read_saved_file
from auditor.result.codec.decoder import read

_SLUG: Final = "approvals-unreadable"
_HINT: Final = Message("specify the folder that `auditor plan --by owner` wrote")
_DEPTHS: Final = (INDEX, f"*/{INDEX}", f"*/*/{INDEX}")
"""Paths of the index in a folder of owners, in the output of a plan, and in a folder of several plans."""


class PlannedApprovals(Struct, frozen=True, kw_only=True):
    """The files of one owner in one tenant."""

    files: OwnerFiles
    folder: Path
    as_of: datetime


def planned_approvals(folders: Sequence[Path]) -> tuple[PlannedApprovals, ...]:
    """Return the files of owners in folders that `auditor plan --by owner` wrote.

    Raises SnapshotError if a folder has no index, or an index cannot be read.
    """
    return tuple(approvals for plan_folder in folders for approvals in _approvals_in_folder(plan_folder))


def approvals_for(envelope: Envelope, result: Result, planned: Sequence[PlannedApprovals]) -> tuple[Attachment, ...]:
    """Return approvals.csv, and the page as a ZIP archive, for each owner that belongs to a reader.

    An owner belongs to a reader if the owner is the reader's address or one of the `owners` of the reader's entry under
    that tenant. There are no files for a tenant that is missing from the result or has a different id in it.
    """
    tenants = {tenant.name: tenant.tenant_id.casefold() for tenant in result.tenants}
    attachments: list[Attachment] = []
    for approvals in planned:
        owner_files = approvals.files
        if tenants.get(owner_files.tenant) != owner_files.tenant_id.casefold() or not _is_for(envelope, owner_files):
            continue
        day = f"{approvals.as_of.astimezone(UTC):%Y-%m-%d}"
        stem = f"{owner_files.tenant}-{owner_files.names[0]}-{day}"
        page = zip_archive(f"actions-{stem}.html", _body(approvals, PAGE), approvals.as_of)
        attachments += [
            Attachment(name=f"approvals-{stem}.csv", media_type="text/csv", body=_body(approvals, APPROVALS)),
            # Many mail servers reject HTML files.
            Attachment(name=f"actions-{stem}.zip", media_type="application/zip", body=page),
        ]
    return tuple(attachments)


def _is_for(envelope: Envelope, owner_files: OwnerFiles) -> bool:
    entries = [entry for tenant, entry in envelope.portions if tenant == owner_files.tenant]
    owners = {owner.casefold() for entry in entries for owner in (entry.address, *(entry.owners or ()))}
    return owner_files.owner != "" and owner_files.owner.casefold() in owners


def _approvals_in_folder(plan_folder: Path) -> Iterator[PlannedApprovals]:
    index_paths = [path for pattern in _DEPTHS for path in sorted(plan_folder.glob(pattern))]
    if not index_paths:
        raise _damaged(plan_folder, Message("it has no files of owners"))
    for path in index_paths:
        index = _index(path)
        for owner_files in index.files:
            yield PlannedApprovals(files=owner_files, folder=path.parent, as_of=index.as_of)


def _index(path: Path) -> OwnerIndex:
    body = read_saved_file(path, max_bytes=files.MANIFEST, slug=_SLUG, hint=_HINT)
    try:
        return read(OwnerIndex, json_document.decode(body), where=path.as_posix())
    except ValueError as error:
        raise _damaged(path, json_document.invalid(error)) from error
    except AuditorError as error:
        raise _damaged(path, error.message) from error


def _body(approvals: PlannedApprovals, name: str) -> bytes:
    path = approvals.folder.joinpath(*approvals.files.names, name)
    return read_saved_file(path, max_bytes=files.TABLE, slug=_SLUG, hint=_HINT, within=approvals.folder)


def _damaged(path: Path, reason: Message) -> SnapshotError:
    return SnapshotError(_SLUG, Message("{path} cannot be read: {strerror}", path=path, strerror=reason), hint=_HINT)
