"""Writes documents to standard output; in CI jobs, commands in them are escaped."""

import os
import sys
from collections.abc import Iterable

from auditor.deliver.log_commands import escape_commands, in_github_actions


def write_document(pieces: Iterable[bytes], format_name: str) -> None:
    """Write a document of a format to stdout.

    In a job of GitHub Actions or Azure Pipelines, text that the log would interpret as a command is escaped: with the
    escapes of the format, or with a blank if it has none. Binary formats are not escaped: write them to files there.
    """
    in_job = in_github_actions(os.environ) or "TF_BUILD" in os.environ
    sys.stdout.flush()
    for piece in escape_commands(pieces, format_name) if in_job else pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
