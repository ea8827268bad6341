"""Parses FORMAT and FORMAT=PATH for commands with their own documents, writes the documents and prints their paths."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from auditor.app.report.outputs import STDOUT, TERMINAL, check_targets, split_format
from auditor.cli.arguments.options import split_formats
from auditor.cli.terminal.console import print_notice
from auditor.deliver.report_folder import write_all
from auditor.deliver.standard_output import write_document
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.localization import Localization
from auditor.render.formats import unknown_format

_MAX_PATHS: Final = 20
"""Maximum number of paths that are printed."""


def targets_of(
    formats: Sequence[str], files: Mapping[str, str], folder: Path | None, *, default: Sequence[str] = ()
) -> tuple[list[tuple[str, Path | None]], bool]:
    """Return (format, path) pairs, with None as path for stdout, and whether `terminal` is one of the formats.

    `files` maps each format to its default file name in `folder`; without a folder, the default is stdout. Raises
    UsageError for an unknown format and for paths that cannot be written.
    """
    requested = split_formats(formats)
    targets: list[tuple[str, Path | None]] = []
    terminal = not requested
    for text in requested or default:
        name, path = split_format(text)
        if name == TERMINAL and path in {None, STDOUT}:
            terminal = True
        elif name == TERMINAL:
            raise UsageError(
                "format-path",
                Message("'{text}': this command prints the format terminal and writes no file of it", text=text),
                hint=Message("write terminal, and redirect the output to a file"),
            )
        elif name in files:
            by_default = None if folder is None else folder / files[name]
            targets.append((name, None if path == STDOUT else Path(path) if path else by_default))
        else:
            raise unknown_format(name, files, TERMINAL)
    check_targets([path for _, path in targets])
    return targets, terminal


def write_artifacts(artifacts: Sequence[tuple[str, Path | None, Iterable[bytes]]]) -> tuple[Path, ...]:
    """Write (format, path, artifact) items to files, or to stdout if the path is None; returns the paths of the files.

    Raises DeliveryError.
    """
    files = write_all((path, artifact) for _, path, artifact in artifacts if path is not None)
    for name, path, artifact in artifacts:
        if path is None:
            write_document(artifact, name)
    return files


def print_written(paths: Iterable[Path], l10n: Localization) -> None:
    """Print the paths of files that were written; of many, those in the fewest folders and the number of the others."""
    ordered = sorted(paths, key=lambda path: len(path.parts))
    for path in ordered[:_MAX_PATHS]:
        print_notice(l10n.gettext("wrote {path}", path=path))
    more = len(ordered) - _MAX_PATHS
    if more > 0:
        print_notice(l10n.more(more))
