"""Writes the documents of commands, and prints the paths of written files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from auditor.cli.terminal.console import print_notice
from auditor.deliver.report_folder import write_all
from auditor.deliver.standard_output import write_document
from auditor.localization import Localization

_MAX_PATHS: Final = 20
"""Maximum number of paths that are printed."""


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
