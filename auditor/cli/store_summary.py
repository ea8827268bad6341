"""Stores a night, and prints what was stored and what failed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.app.locations import store_at
from auditor.cli.terminal.console import print_diagnostics, print_message
from auditor.domain.errors import AuditorError, printable_line
from auditor.domain.result.model import Result
from auditor.domain.translation import N_

if TYPE_CHECKING:
    from auditor.app.store.nights import Stored
    from auditor.render.text.labels import Labels

_MAX_LINES: Final = 10
"""Maximum number of snapshots and results that are printed in a line each."""
_MIN_MEGABYTES: Final = 10_000_000
"""Smallest number of bytes that is printed in megabytes."""


def check_store(location: Path | str) -> None:
    """Raise AuditorError before the audit if the store has a newer version, or its folder is not a store.

    An unreachable store is no error yet: it may be reachable when the audit is done, and a failure is reported then.
    """
    try:
        _ = store_at(location).exists
    except AuditorError as error:
        if all(diagnostic.slug != "store-unreachable" for diagnostic in error.diagnostics):
            raise


def store_night(
    location: Path | str, folders: Sequence[Path], result: Result | None = None, *, locale: str, quiet: bool
) -> int:
    """Store tonight's snapshots and result, and print the outcome; returns 3 if anything failed, else 0."""
    from auditor.app.store.nights import keep  # noqa: PLC0415  only audits with a store need it
    from auditor.render.text.labels import Labels  # noqa: PLC0415

    return print_outcomes(keep(location, folders, result), Labels(locale), locale=locale, quiet=quiet)


def print_outcomes(
    outcomes: "Iterable[Stored | AuditorError]", l10n: "Labels", *, locale: str | None, quiet: bool
) -> int:
    """Print what failed and what was stored, in a few lines if that is much; returns 3 if anything failed, else 0."""
    code = 0
    done: list[Stored] = []
    for stored in outcomes:
        if isinstance(stored, AuditorError):
            print_diagnostics(stored.diagnostics, locale=locale)
            code = 3
        else:
            done.append(stored)
    if not quiet:
        lines = _sums(done, l10n) if len(done) > _MAX_LINES else (_outcome_line(stored, l10n) for stored in done)
        for line in lines:
            print_message(printable_line(line))
    return code


def _sums(done: "Sequence[Stored]", l10n: "Labels") -> Iterator[str]:
    """Yield how many snapshots and results were stored, and how many were stored already."""
    texts = {
        ("snapshot", True): N_("Snapshots stored: {count}, {size}"),
        ("snapshot", False): N_("Snapshots that were already stored: {count}"),
        ("result", True): N_("Results stored: {count}, {size}"),
        ("result", False): N_("Results that were already stored: {count}"),
    }
    for (what, new), text in texts.items():
        sizes = [stored.size for stored in done if (stored.what, stored.new) == (what, new)]
        if sizes:
            yield l10n.gettext(text, count=l10n.number(len(sizes)), size=format_size(sum(sizes), l10n))


def _outcome_line(stored: "Stored", l10n: "Labels") -> str:
    """Return a line with the outcome for one snapshot or result."""
    match stored.what, stored.new:
        case "snapshot", True:
            text = N_("{tenant}, {instant}: snapshot stored, {size}")
        case "snapshot", False:
            text = N_("{tenant}, {instant}: the snapshot was already stored")
        case _, True:
            text = N_("{tenant}, {instant}: result stored, {size}")
        case _:
            text = N_("{tenant}, {instant}: the result was already stored")
    size = format_size(stored.size, l10n)
    from auditor.snapshot.manifest import format_instant  # noqa: PLC0415  imports Arrow, which `--help` does not need

    return l10n.gettext(text, tenant=stored.tenant, instant=format_instant(stored.instant), size=size)


def format_size(count: int, l10n: "Labels") -> str:
    """Format a number of bytes in kB or MB, rounded up, so that only 0 bytes are printed as 0."""
    unit, name = (1_000_000, "MB") if count >= _MIN_MEGABYTES else (1_000, "kB")
    return f"{l10n.number(-(-count // unit))} {name}"
