"""Turns an exception inside one tenant into a failure of that tenant only."""

import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from auditor import __home__
from auditor.domain.errors import AuditorError, DeliveryError, GraphError, UsageError
from auditor.domain.message import Message

_Value = TypeVar("_Value")

BUGS: Final = f"https://github.com/{__home__}/issues"
"""Where bugs are reported."""
LOGGER: Final = logging.getLogger("auditor.failures")
"""Hears of every bug that stays with one tenant, with its traceback; secrets are not taken out of it."""
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False
_OF_THE_RUN: Final = (UsageError, DeliveryError, ModuleNotFoundError)
"""What concerns every tenant alike: the command line, the disk of the reports, a part that is not installed."""


class TenantBoundary:
    """A context inside of which one tenant is handled: what is raised there ends here, and is its failure.

    Ctrl-C, a task that is cancelled, and what concerns the whole run (UsageError, DeliveryError, a part that is not
    installed) pass. With `alone` everything does: a run about one tenant fails as that tenant does.
    """

    def __init__(self, tenant: str, *, alone: bool = False) -> None:
        self._tenant = tenant
        self._alone = alone
        self.failure: AuditorError | None = None
        """What became of the tenant; None where nothing was raised."""
        self.error: BaseException | None = None
        """What was raised."""
        self.bug: BaseException | None = None
        """The same, where nobody foresaw it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None or self._alone or not _is_contained(error):
            return False
        self.error = error
        self.failure = _failure(self._tenant, error)
        if self.failure.slug == "tenant-bug":
            self.bug = error
            LOGGER.debug("%s", self.failure.message, exc_info=error)
        return True


class TaskEndedError(Exception):
    """A task asked for the end of the process, which its event loop would obey before anybody could contain it."""


async def in_task(work: Callable[..., Awaitable[_Value]], *arguments: Any) -> _Value:
    """Await some work as a task of its own; SystemExit becomes TaskEndedError. Raises what the work raises."""
    try:
        return await work(*arguments)
    except SystemExit as error:
        raise TaskEndedError(f"SystemExit({error.code!r})") from error


def reason_of(failure: AuditorError) -> str:
    """Return a failure in one line, with what mends it, for reports."""
    told = f"{failure.message} ({failure.hint})" if failure.hint else failure.message
    return " ".join(told.split())


def _is_contained(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_contained, error.exceptions))
    if isinstance(error, (Exception, SystemExit)):
        return not isinstance(error, _OF_THE_RUN)
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return False
    from asyncio import CancelledError  # noqa: PLC0415  what remains is this, or a library's own

    return not isinstance(error, CancelledError)


def _failure(tenant: str, error: BaseException) -> AuditorError:
    """Return what is told of an exception: its text only where it was written to be told."""
    if isinstance(error, BaseExceptionGroup):
        return _failure(tenant, error.exceptions[0])
    if isinstance(error, AuditorError):
        return error
    if isinstance(error, MemoryError):
        return GraphError(
            "tenant-failed",
            Message("{tenant}: there was not enough memory", tenant=tenant),
            hint=Message("audit this tenant by itself, or give the program more memory"),
        )
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return GraphError(
            "tenant-failed",
            Message("{tenant}: a file or connection failed: {reason}", tenant=tenant, reason=reason),
            hint=Message("check the disk, the network and the rights of this process, and try again"),
        )
    return GraphError(
        "tenant-bug",
        Message("{tenant}: a bug in the program: {name}", tenant=tenant, name=type(error).__name__),
        hint=Message("run again with -v and report it at {bugs}; other tenants are not affected", bugs=BUGS),
    )
