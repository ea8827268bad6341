"""The user's product catalogue: imported from Microsoft's table, and used instead of the packaged one if newer."""

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
from auditor.files.user_folder import user_folder

if TYPE_CHECKING:
    from auditor.catalogue.changes import CatalogueChanges

VARIABLE: Final = "AUDITOR_PRODUCTS"
"""The environment variable with the path of the user's catalogue, which is then used regardless of its date."""


class CatalogueUpdate(Struct, frozen=True, kw_only=True):
    """The catalogue that an update wrote, and its changes."""

    path: Path
    catalogue: Catalogue
    changes: "CatalogueChanges"
    """Compared with the replaced file, or else with the packaged catalogue."""
    unused: bool
    """Whether the packaged catalogue is newer than the written file and stays in use."""


def active() -> Catalogue:
    """Return the catalogue in use: the user's if it is at least as new as the packaged one, otherwise the latter.

    The list of free products is always the packaged one. Raises AuditorError if the user's file is damaged, or if
    the file in AUDITOR_PRODUCTS does not exist.
    """
    builtin = products.builtin()
    path = user_file()
    if path is None or not (path.exists() or os.environ.get(VARIABLE)):
        return builtin
    catalogue = _load(path)
    return catalogue if catalogue.date >= builtin.date or os.environ.get(VARIABLE) else builtin


def user_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the path of the user's catalogue, whether or not it exists; None if the user has no home folder."""
    environ = os.environ if environ is None else environ
    if path := environ.get(VARIABLE):
        return Path(path)
    folder = user_folder(environ, "XDG_DATA_HOME", ".local", "share")
    return None if folder is None else folder / "auditor" / "products.json"


def update(
    origin: str, *, output: Path | None = None, source: str | None = None, date: dt.date | None = None
) -> CatalogueUpdate:
    """Read Microsoft's CSV from a file or an address, and write it as the user's catalogue (or to `output`).

    `source` and `date` are recorded in the catalogue; by default the address or file name, and the date from the server
    or the file system. Raises AuditorError without writing anything if any step fails.
    """
    path = output or user_file()
    if path is None:
        raise AuditorError(
            "products-file", Message("there is no home folder to write to"), hint=Message("specify --output PATH")
        )
    # Product look-ups need neither HTTP nor the parser of Microsoft's table.
    from auditor.app.download import fetch  # noqa: PLC0415
    from auditor.catalogue.changes import compare  # noqa: PLC0415
    from auditor.catalogue.microsoft import parse  # noqa: PLC0415

    fetched = fetch(origin)
    name = source or fetched.source
    table = parse(fetched.content, source=name, date=(date or fetched.date).isoformat(), where=fetched.source)
    catalogue = products.completed(table)
    builtin = products.builtin()
    changes = compare(_previous(path) or builtin, catalogue)
    _write(path, products.dumps(table))
    older = catalogue.date < builtin.date
    unused = older and path == user_file() and not os.environ.get(VARIABLE)
    return CatalogueUpdate(path=path, catalogue=catalogue, changes=changes, unused=unused)


def _load(path: Path) -> Catalogue:
    try:
        text = files.read(path, max_bytes=files.TABLE).decode("utf-8")
    except UnicodeDecodeError as error:
        hint = Message("run `auditor products update` again, or delete the file to use the catalogue of the package")
        raise AuditorError("products-catalogue", Message("{path} is not UTF-8", path=path), hint=hint) from error
    except OSError as error:
        hint = Message(
            "{variable} and XDG_DATA_HOME determine its location; `auditor products update` writes it",
            variable=VARIABLE,
        )
        raise AuditorError("products-file", unreadable(path, error), hint=hint) from error
    return products.completed(products.loads(text, where=str(path)))


def _previous(path: Path) -> Catalogue | None:
    """Return the catalogue about to be replaced; None if there is none or it is damaged."""
    try:
        return _load(path)
    except AuditorError:
        return None


def _write(path: Path, text: str) -> None:
    """Write the file atomically, with its folders."""
    try:
        # Microsoft's table contains no data of a tenant, so all users may read it.
        write_file(path, text.encode("utf-8"), sync=True)
    except OSError as error:
        hint = Message("specify --output PATH, a file in a folder that you can write to")
        raise AuditorError("products-file", unwritable(path, error), hint=hint) from error
