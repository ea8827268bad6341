"""Turns a file or an address of Microsoft's product table into the user's own catalogue, and finds the one in use."""

import datetime as dt
import email.utils
import http.client
import ipaddress
import os
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Final

from auditor import catalogue as products
from auditor.catalogue import Catalogue, Changes
from auditor.domain.errors import AuditorError

VARIABLE: Final = "AUDITOR_PRODUCTS"
"""Names another file than the one in the user's data folder; that file is used whatever its date."""

_LIMIT: Final = 32 * 1024 * 1024
_SILENCE: Final = 30.0
"""Seconds without an answer after which a download is given up."""
_DEADLINE: Final = 180.0
"""Seconds a whole download may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What an update wrote, and what it changed."""

    path: Path
    catalogue: Catalogue
    changes: Changes
    """Against the file that was replaced, else against the catalogue of the package."""
    unused: bool
    """The file stands where it is looked for, but the catalogue of the package is newer and stays in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    content: bytes
    source: str
    date: dt.date


def active(environ: Mapping[str, str] | None = None) -> Catalogue:
    """Return the catalogue in use: the user's own where there is one as new as the package's, else the package's.

    The free list is the package's in every case. Raises AuditorError where the user's file is damaged, or where the
    file that AUDITOR_PRODUCTS names does not exist.
    """
    environ = os.environ if environ is None else environ
    builtin = products.builtin()
    path = user_file(environ)
    if path is None or not (path.exists() or environ.get(VARIABLE)):
        return builtin
    own = _load(path)
    return own if own.date >= builtin.date or environ.get(VARIABLE) else builtin


def user_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return where the user's own catalogue stands, there or not; None where the user has no home."""
    environ = os.environ if environ is None else environ
    if named := environ.get(VARIABLE):
        return Path(named)
    # The XDG specification: a path that is not absolute is as good as none.
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
        raise AuditorError("products-file", "there is no home folder to write to", hint="give --output PATH")
    fetched = _download(origin) if "://" in origin else _read(Path(origin))
    name = source or fetched.source
    own = products.parse(fetched.content, source=name, date=(date or fetched.date).isoformat(), where=fetched.source)
    own = own.with_free(products.free_products())
    builtin = _builtin()
    before = _previous(path) or builtin
    _write(path, products.dumps(own))
    changes = products.compare(own if before is None else before, own)
    older = builtin is not None and own.date < builtin.date
    unused = older and path == user_file() and not os.environ.get(VARIABLE)
    return Update(path=path, catalogue=own, changes=changes, unused=unused)


def _load(path: Path) -> Catalogue:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "run `auditor products update` again, or delete the file to use the catalogue of the package"
        raise AuditorError("products-catalogue", f"{path} is not UTF-8", hint=hint) from error
    except OSError as error:
        hint = f"{VARIABLE} and XDG_DATA_HOME say where it is looked for; `auditor products update` writes it"
        raise AuditorError("products-file", f"cannot read {path}: {error.strerror}", hint=hint) from error
    return products.loads(text, where=str(path)).with_free(products.free_products())


def _previous(path: Path) -> Catalogue | None:
    """Return the catalogue that is about to be replaced; None where there is none, or a damaged one to be mended."""
    try:
        return _load(path)
    except AuditorError:
        return None


def _builtin() -> Catalogue | None:
    """Return the package's catalogue; None in the one case that it is being made anew, absent or of an old schema."""
    try:
        return products.builtin()
    except (FileNotFoundError, AuditorError):
        return None


def _read(path: Path) -> _Fetched:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
            changed = os.fstat(file.fileno()).st_mtime
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        hint = "give a file or an address"
        raise AuditorError("products-file", f"cannot read {path}: {reason}", hint=hint) from error
    _check_size(len(content), str(path))
    return _Fetched(content=content, source=path.name, date=dt.datetime.fromtimestamp(changed, tz=dt.UTC).date())


def _download(address: str) -> _Fetched:
    parts = _check_address(address)
    shown = urllib.parse.urlunsplit(parts._replace(query="", fragment=""))
    handlers: list[urllib.request.BaseHandler] = [_Redirects()]
    if parts.scheme == "http":
        handlers.append(urllib.request.ProxyHandler({}))  # A loopback address is never asked through a proxy.
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(address, headers={"User-Agent": "auditor", "Accept-Encoding": "identity"})  # noqa: S310 (scheme checked)
    try:
        with opener.open(request, timeout=_SILENCE) as response:
            content = _body(response, shown)
            modified = response.headers.get("Last-Modified", "")
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(shown, f"the server answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _failed(shown, str(reason) or type(error).__name__) from error
    return _Fetched(content=content, source=shown, date=_day(modified))


def _body(response: http.client.HTTPResponse, shown: str) -> bytes:
    """Return the whole body, never more than the limit and never a part of it."""
    until = time.monotonic() + _DEADLINE
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(65_536):
        pieces.append(piece)
        size += len(piece)
        _check_size(size, shown)
        if time.monotonic() > until:
            raise _failed(shown, f"not complete after {_DEADLINE:.0f} seconds")
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) != size:
        raise _failed(shown, f"the connection ended after {size} of {declared} bytes")
    return b"".join(pieces)


def _day(modified: str) -> dt.date:
    """Return the day of a Last-Modified header, else today; UTC."""
    now = dt.datetime.now(tz=dt.UTC)
    with suppress(ValueError):
        stamp = email.utils.parsedate_to_datetime(modified)
        return min(stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=dt.UTC), now).astimezone(dt.UTC).date()
    return now.date()


def _check_address(address: str) -> urllib.parse.SplitResult:
    """Return the parts of an address that may be asked: https, or http on this machine, without user information."""
    hint = "give an https address (http only for this machine), without a user name, or a file"
    try:
        parts = urllib.parse.urlsplit(address)
        host, user, _ = parts.hostname or "", parts.username, parts.port
    except ValueError as error:
        raise AuditorError("products-address", f"not an address: {error}", hint=hint) from error
    if user is not None or not host:
        raise AuditorError("products-address", "the address has a user name, or no host", hint=hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise AuditorError("products-address", f"{parts.scheme}://{host} is not asked", hint=hint)
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that could have been given, with the same scheme."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        try:
            parts = _check_address(newurl)
        except AuditorError:
            fp.close()
            raise
        if parts.scheme != req.type:
            fp.close()
            message = f"redirected from {req.type}://{req.host} to {parts.scheme}://{parts.hostname}"
            raise AuditorError("products-address", message, hint="give the last address itself")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type] # HTTPMessage is a Message


def _check_size(size: int, shown: str) -> None:
    if size > _LIMIT:
        message = f"{shown} is larger than {_LIMIT // 1024 // 1024} MB"
        raise AuditorError("products-file", message, hint="Microsoft's file is about 1 MB: is this the right one?")


def _failed(shown: str, reason: str) -> AuditorError:
    hint = "try again later, or download the file with a browser and give its name"
    return AuditorError("products-download", f"cannot download {shown}: {reason}", hint=hint)


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all, with its folders."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        hint = "give --output PATH, a file in a folder you may write to"
        raise AuditorError("products-file", f"cannot write {path}: {error.strerror}", hint=hint) from error
