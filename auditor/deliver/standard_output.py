"""Documents to standard output, whole and as they are; in the log of a CI job without what it would run."""

import os
import sys
from collections.abc import Iterable

from auditor.deliver.log_commands import harmless


def write_document(pieces: Iterable[bytes], form: str) -> None:
    """Write a document of a format to stdout.

    In a job of GitHub Actions or Azure Pipelines what the log would take as a command is written with the escapes of
    the format: the document says the same. Binary formats have none, and belong into files there.
    """
    in_job = os.environ.get("GITHUB_ACTIONS") == "true" or "TF_BUILD" in os.environ
    sys.stdout.flush()
    for piece in harmless(pieces, form) if in_job else pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
