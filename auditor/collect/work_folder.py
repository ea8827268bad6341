"""A tenant's folder of snapshots into a hidden place beside them for one collection, and no trace of those killed."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from auditor.files.folder import Folder
from auditor.files.temporary import is_held

_LONGEST = 48 * 3600
"""Seconds after which no collection is still under way, whatever process has its number now."""
_OURS: Counter[str] = Counter()
"""Folders of tenants → collections of this process that are at them."""


@contextmanager
def scratch(tenant: Path) -> Iterator[Path]:
    """Name a hidden folder for what memory should not hold, and clear away those that a killed process left."""
    Folder.made(tenant.parent, tenant.name).close()
    for left in tenant.iterdir():
        if _left(left):
            shutil.rmtree(left, ignore_errors=True)
    # Made by whoever puts something into it: small tenants put nothing there.
    folder = tenant / f".collecting-{os.getpid()}-{token_hex(4)}"
    _OURS[str(tenant)] += 1
    try:
        yield folder
    finally:
        _OURS[str(tenant)] -= 1
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            tenant.rmdir()  # where nothing was written; a folder with snapshots stays


def _left(folder: Path) -> bool:
    """Whether a hidden folder is what a collection left that was killed."""
    process = _maker(folder.name)
    if not process or is_held(folder):
        return False
    if process == str(os.getpid()):
        # In a container every run may have the same number: it is ours only if we are at it.
        return not _OURS[str(folder.parent)]
    return not _alive(process) or _age(folder) > _LONGEST


def _maker(name: str) -> str:
    """Return the number of the process that made a hidden folder; nothing for any other name."""
    if name.startswith(".collecting-"):
        return name.split("-")[1]
    return name.rsplit("-", maxsplit=1)[1] if name.startswith(".") and ".partial-" in name else ""


def _age(folder: Path) -> float:
    """Return the seconds since something was last put into a folder."""
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def _alive(process: str) -> bool:
    """Whether a process of this number runs; on doubt it does."""
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
