"""Formats unexpected exceptions for bug reports, without secrets."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.cli.terminal.console import print_message
from auditor.domain.errors import printable
from auditor.failures import LOGGER


def traceback_of(error: BaseException) -> str:
    """Return a traceback without secrets and terminal control characters."""
    from auditor.graph.auth.scrubber import scrub_all  # noqa: PLC0415  only where there is a bug

    text = scrub_all("".join(traceback.format_exception(error)))
    return "\n".join(map(printable, text.split("\n")))


class _BugHandler(logging.Handler):
    """A log handler that prints bugs contained in single tenants."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            print_message(printable(record.getMessage()))
            print_message(traceback_of(record.exc_info[1]))


@contextmanager
def verbose(level: int) -> Iterator[None]:
    """With -v, print the traceback of every bug that is contained in one tenant, while the block runs."""
    handler, before = _BugHandler(), LOGGER.level
    if level:
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)
