"""What was stored tonight, and what could not be, into words and an exit code."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.app.locations import store_at
from auditor.cli.terminal.console import say, tell
from auditor.domain.errors import AuditorError, printable
from auditor.domain.result import Result
from auditor.snapshot.manifest import format_instant

if TYPE_CHECKING:
    from auditor.app.store.commands import Stored
    from auditor.render.text.labels import Labels

_LARGE: Final = 10_000_000
"""Bytes from which on a size is told in megabytes."""


def ready(where: Path | str) -> None:
    """Raise where a store is of a newer version, or something else stands there: before a night's work, not after it.

    A store that cannot be reached now may be there when the audit is done; that it fails is told then.
    """
    try:
        if store_at(where).exists:
            return
    except AuditorError as error:
        if any(diagnostic.slug == "store-unreachable" for diagnostic in error.diagnostics):
            return
        raise


def is_new(where: Path | str) -> bool:
    """Whether a store comes to be when the first night is put into it; one that cannot be reached may be there."""
    try:
        return not store_at(where).exists
    except AuditorError:
        return False


def tell_kept(
    where: Path | str, folders: Sequence[Path], result: Result | None = None, *, locale: str, quiet: bool
) -> int:
    """Store tonight and say what became of it; 3 where anything failed, else 0."""
    from auditor.app.store.commands import keep  # noqa: PLC0415  whoever keeps no store does not wait for it
    from auditor.render.text.labels import Labels  # noqa: PLC0415  likewise

    words = Labels(locale)
    code = 0
    for kept in keep(where, folders, result):
        if isinstance(kept, AuditorError):
            tell(kept.diagnostics, locale=locale)
            code = 3
        elif not quiet:
            say(printable(outcome_line(kept, words)))
    return code


def outcome_line(stored: "Stored", words: "Labels") -> str:
    """Return what became of one thing that was brought to a store."""
    match stored.what, stored.new:
        case "snapshot", True:
            said = words.gettext("{tenant}, {instant}: snapshot stored, {size}")
        case "snapshot", False:
            said = words.gettext("{tenant}, {instant}: the snapshot was there already")
        case _, True:
            said = words.gettext("{tenant}, {instant}: result stored, {size}")
        case _:
            said = words.gettext("{tenant}, {instant}: the result was there already")
    size = sized(stored.size, words)
    return said.format(tenant=stored.tenant, instant=format_instant(stored.instant), size=size)


def sized(count: int, words: "Labels") -> str:
    """Return a number of bytes in thousands, or millions where it is large; what is there at all is no nought."""
    unit, name = (1_000_000, "MB") if count >= _LARGE else (1_000, "kB")
    return f"{words.number(-(-count // unit))} {name}"
