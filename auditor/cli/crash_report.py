"""Exceptions that nobody foresaw into words for whoever mends them, without the secrets that they may quote."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.cli.terminal.console import say
from auditor.domain.errors import printable
from auditor.failures import LOGGER


def traceback_of(error: BaseException) -> str:
    """Return a traceback in which secrets, and what a terminal would obey, are made harmless."""
    from auditor.graph.auth.scrubber import scrub_all  # noqa: PLC0415  only where there is a bug

    text = scrub_all("".join(traceback.format_exception(error)))
    return "\n".join(map(printable, text.split("\n")))


class _Told(logging.Handler):
    """Tells bugs of single tenants, which end nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            say(printable(record.getMessage()))
            say(traceback_of(record.exc_info[1]))


@contextmanager
def verbose(level: int) -> Iterator[None]:
    """Show meanwhile, with -v, the traceback of every bug that stays with one tenant."""
    handler, before = _Told(), LOGGER.level
    if level:
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)
