"""Parses where commands write the few documents of their own, FORMAT or FORMAT=PATH, and prints what was written."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from auditor.app.report.outputs import check_targets
from auditor.cli.terminal.console import print_message
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message
from auditor.localization import Localization
from auditor.render.text.labels import Labels


def targets_of(
    formats: Sequence[str], known: Mapping[str, str], folder: Path, *, default: Sequence[str]
) -> tuple[list[tuple[str, Path | None]], bool]:
    """Return the target of each format, None for stdout, and whether the terminal is one of them.

    `known` are the default file names of the formats. Raises UsageError for an unknown format and for paths that cannot
    be written.
    """
    asked = [part for text in formats for part in ([text] if "=" in text else text.split(","))]
    targets: list[tuple[str, Path | None]] = []
    terminal = not asked
    for text in asked or default:
        name, separator, path = text.partition("=")
        if name == "terminal" and not separator:
            terminal = True
        elif name in known and (path or not separator):
            targets.append((name, None if path == "-" else Path(path) if path else folder / known[name]))
        else:
            raise UsageError(
                "format-unknown",
                Message("there is no format '{name}'", name=name),
                hint=Message("one of {known}", known=", ".join((*known, "terminal"))),
            )
    check_targets([path for _, path in targets])
    return targets, terminal


def print_written(paths: Iterable[Path], l10n: Labels | Localization) -> None:
    """Print the paths of the files that were written."""
    for path in paths:
        print_message(printable("auditor: " + l10n.gettext("wrote {path}").replace("{path}", str(path))))
