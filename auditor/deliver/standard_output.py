"""Writes documents to standard output, escaped in the log of a CI job."""

import os
import sys
from collections.abc import Iterable

from auditor.deliver.log_commands import harmless


def write_document(pieces: Iterable[bytes], form: str) -> None:
    """Write a document of a format to stdout.

    In a job of GitHub Actions or Azure Pipelines, text that the log would read as a command is escaped: by the escapes
    of the format, or by a blank where it has none. Binary formats are not, and should be written to files there.
    """
    in_job = os.environ.get("GITHUB_ACTIONS") == "true" or "TF_BUILD" in os.environ
    sys.stdout.flush()
    for piece in harmless(pieces, form) if in_job else pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
