"""Creates the temporary folder of a collection and removes those that killed processes left behind."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from auditor.files.folder import Folder
from auditor.files.temporary import is_locked

_MAX_AGE = 48 * 3600
"""Seconds after which a folder counts as abandoned, even if a process with its process id is running."""
_PREFIX = ".collecting-"
_ACTIVE: Counter[str] = Counter()
"""Parent of hidden folders → number of collections in progress in this process."""


@contextmanager
def work_folder(tenant: Path) -> Iterator[Path]:
    """Yield the path of a temporary folder, removed at the end; also remove abandoned ones."""
    Folder.open_or_create(tenant.parent, tenant.name).close()
    for entry in tenant.iterdir():
        if is_abandoned(entry):
            shutil.rmtree(entry, ignore_errors=True)
    # Created on first use: small tenants need no temporary files.
    folder = tenant / name_of_work(token_hex(4))
    try:
        with active(tenant):
            yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            tenant.rmdir()  # only if no snapshot was written


def name_of_work(suffix: str) -> str:
    """Return the name of a hidden folder of this process, for `is_abandoned`; `suffix_of` returns the suffix."""
    return f"{_PREFIX}{os.getpid()}-{suffix}"


def suffix_of(name: str) -> str | None:
    """Return the suffix of a hidden folder that `name_of_work` named; None for any other name."""
    return name.split("-", maxsplit=2)[2] if name.startswith(_PREFIX) and name.count("-") > 1 else None


@contextmanager
def active(parent: Path) -> Iterator[None]:
    """Mark hidden folders of this process in a folder as in use, for `is_abandoned`."""
    _ACTIVE[str(parent)] += 1
    try:
        yield
    finally:
        _ACTIVE[str(parent)] -= 1


def is_abandoned(folder: Path) -> bool:
    """Return whether a hidden folder was left by an interrupted or killed collection."""
    process_id = _process_id_of(folder.name)
    if not process_id or is_locked(folder):
        return False
    if process_id == str(os.getpid()):
        # In containers every run may have the same process id: the folder is in use only if this process collects into
        # its parent.
        return not _ACTIVE[str(folder.parent)]
    return not _is_alive(process_id) or _age(folder) > _MAX_AGE


def _process_id_of(name: str) -> str:
    """Return the process id in the name of a hidden folder; an empty string for any other name."""
    if name.startswith(_PREFIX):
        return name.split("-")[1]
    return name.rsplit("-", maxsplit=1)[1] if name.startswith(".") and ".partial-" in name else ""


def _age(folder: Path) -> float:
    """Return the seconds since the folder was last modified."""
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def _is_alive(process_id: str) -> bool:
    """Return whether a process with this id is running; True if that cannot be determined."""
    if not process_id.isdigit():
        return True
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
