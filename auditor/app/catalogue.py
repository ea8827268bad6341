"""The user's own product catalogue: imported from Microsoft's table, and chosen over the packaged one if newer."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from auditor import catalogue as products
from auditor.catalogue import Catalogue
from auditor.domain.errors import AuditorError
from auditor.domain.message import Message, unreadable, unwritable
from auditor.files import input as files
from auditor.files.output import write_file

if TYPE_CHECKING:
    from auditor.catalogue.changes import Changes

VARIABLE: Final = "AUDITOR_PRODUCTS"
"""Names another file than the one in the user's data folder; that file is used whatever its date."""


class Update(Struct, frozen=True, kw_only=True):
    """What an update wrote, and what it changed."""

    path: Path
    catalogue: Catalogue
    changes: "Changes"
    """Compared with the replaced file, else with the packaged catalogue."""
    unused: bool
    """Whether the packaged catalogue is newer than the written file and stays in use."""


def active(environ: Mapping[str, str] | None = None) -> Catalogue:
    """Return the catalogue in use: the user's own if it is at least as new as the packaged one, else the latter.

    The free list is always the packaged one. Raises AuditorError if the user's file is damaged, or if the file that
    AUDITOR_PRODUCTS names does not exist.
    """
    environ = os.environ if environ is None else environ
    builtin = products.builtin()
    path = user_file(environ)
    if path is None or not (path.exists() or environ.get(VARIABLE)):
        return builtin
    own = _load(path)
    return own if own.date >= builtin.date or environ.get(VARIABLE) else builtin


def user_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the path of the user's own catalogue, existing or not; None if the user has no home folder."""
    environ = os.environ if environ is None else environ
    if named := environ.get(VARIABLE):
        return Path(named)
    # The XDG specification: ignore a path that is not absolute.
    folder = Path(environ.get("XDG_DATA_HOME", ""))
    if not folder.is_absolute():
        home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 (expanduser of Path raises without a home)
        if not Path(home).is_absolute():
            return None
        folder = Path(home, ".local", "share")
    return folder / "auditor" / "products.json"


def update(
    origin: str, *, output: Path | None = None, source: str | None = None, date: dt.date | None = None
) -> Update:
    """Read Microsoft's CSV from a file or an address, and write it as the user's catalogue (or to `output`).

    `source` and `date` say what is recorded, by default the address or file name, and the day the server or the file
    system gives. Raises AuditorError with nothing written when anything is wrong.
    """
    path = output or user_file()
    if path is None:
        raise AuditorError(
            "products-file", Message("there is no home folder to write to"), hint=Message("give --output PATH")
        )
    # Looking names up needs neither HTTP nor the parser of Microsoft's table.
    from auditor.app.download import fetch  # noqa: PLC0415
    from auditor.catalogue.changes import compare  # noqa: PLC0415
    from auditor.catalogue.microsoft import parse  # noqa: PLC0415

    fetched = fetch(origin)
    name = source or fetched.source
    own = parse(fetched.content, source=name, date=(date or fetched.date).isoformat(), where=fetched.source)
    own = own.with_free(products.free_products())
    builtin = _builtin()
    before = _previous(path) or builtin
    _write(path, products.dumps(own))
    changes = compare(own if before is None else before, own)
    older = builtin is not None and own.date < builtin.date
    unused = older and path == user_file() and not os.environ.get(VARIABLE)
    return Update(path=path, catalogue=own, changes=changes, unused=unused)


def _load(path: Path) -> Catalogue:
    try:
        text = files.read(path, most=files.TABLE).decode("utf-8")
    except UnicodeDecodeError as error:
        hint = Message("run `auditor products update` again, or delete the file to use the catalogue of the package")
        raise AuditorError("products-catalogue", Message("{path} is not UTF-8", path=path), hint=hint) from error
    except OSError as error:
        hint = Message(
            "{variable} and XDG_DATA_HOME set where it is searched; `auditor products update` writes it",
            variable=VARIABLE,
        )
        raise AuditorError("products-file", unreadable(path, error), hint=hint) from error
    return products.loads(text, where=str(path)).with_free(products.free_products())


def _previous(path: Path) -> Catalogue | None:
    """Return the catalogue about to be replaced; None if there is none or it is damaged."""
    try:
        return _load(path)
    except AuditorError:
        return None


def _builtin() -> Catalogue | None:
    """Return the packaged catalogue; None while it is being regenerated."""
    try:
        return products.builtin()
    except (FileNotFoundError, AuditorError):
        return None


def _write(path: Path, text: str) -> None:
    """Write the file atomically, with its folders."""
    try:
        # Microsoft's table contains no data of a tenant, and one user may write it for all.
        write_file(path, text.encode("utf-8"), sync=True, public=True)
    except OSError as error:
        hint = Message("give --output PATH, a file in a folder you may write to")
        raise AuditorError("products-file", unwritable(path, error), hint=hint) from error
