"""Turns an exception inside one tenant into a failure of that tenant only."""

import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from msgspec.structs import replace

from auditor import __home__
from auditor.domain.errors import AuditorError, DeliveryError, GraphError, InputError, UsageError
from auditor.domain.message import Message, detailed, joined

_Value = TypeVar("_Value")

BUGS: Final = f"https://github.com/{__home__}/issues"
"""Where bugs are reported."""
LOGGER: Final = logging.getLogger("auditor.failures")
"""Logs the traceback of every bug that failed a single tenant; secrets are not removed from it."""
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False
_RUN_ERRORS: Final = (UsageError, DeliveryError, ModuleNotFoundError)
"""Errors that concern the whole run: the command line, the output disk, an extra that is not installed."""


class TenantBoundary:
    """A context manager for the work on one tenant: an exception inside becomes the failure of that tenant.

    Ctrl-C, cancellation, and errors of the whole run (UsageError, DeliveryError, an extra that is not installed)
    propagate. With `only_tenant` all exceptions propagate: a run with one tenant fails with the error of that tenant.
    """

    def __init__(self, tenant: str, *, only_tenant: bool = False) -> None:
        self._tenant = tenant
        self._only_tenant = only_tenant
        self.failure: AuditorError | None = None
        """The failure; None if nothing was raised."""
        self.error: BaseException | None = None
        """The exception that became the failure."""
        self.bug: BaseException | None = None
        """The exception, if it was unexpected."""

    @property
    def named_failure(self) -> AuditorError | None:
        """The failure with the tenant's name before each message, for lists of several tenants."""
        return None if self.failure is None else with_tenant_name(self._tenant, self.failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None or self._only_tenant or not _is_contained(error):
            return False
        self.error = error
        self.failure = _as_failure(error)
        if self.failure.slug == "tenant-bug":
            self.bug = error
            LOGGER.debug("%s: %s", self._tenant, self.failure.message, exc_info=error)
        return True


class TaskEndedError(Exception):
    """A task raised SystemExit, which its event loop would re-raise before it could be contained."""


async def in_task(work: Callable[..., Awaitable[_Value]], *arguments: Any) -> _Value:
    """Await work as a separate task. SystemExit becomes TaskEndedError; other exceptions propagate."""
    try:
        return await work(*arguments)
    except SystemExit as error:
        raise TaskEndedError(f"SystemExit({error.code!r})") from error


def reason_of(failure: AuditorError) -> Message:
    """Return the message and hint of a failure in one line, for reports."""
    return detailed(failure.message, failure.hint).rewritten(lambda text: " ".join(text.split()))


def with_tenant_name(tenant: str, failure: AuditorError) -> AuditorError:
    """Return a failure with the name of its tenant before each message."""
    return InputError(
        replace(diagnostic, message=joined(": ", (tenant, diagnostic.message))) for diagnostic in failure.diagnostics
    )


def _is_contained(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_contained, error.exceptions))
    if isinstance(error, (Exception, SystemExit)):
        return not isinstance(error, _RUN_ERRORS)
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return False
    from asyncio import CancelledError  # noqa: PLC0415  only for other subclasses of BaseException

    return not isinstance(error, CancelledError)


def _as_failure(error: BaseException) -> AuditorError:
    """Convert an exception to a failure; the text of an unexpected exception is left out."""
    if isinstance(error, BaseExceptionGroup):
        return _as_failure(error.exceptions[0])
    if isinstance(error, AuditorError):
        return error
    if isinstance(error, MemoryError):
        return GraphError(
            "tenant-failed",
            Message("there was not enough memory"),
            hint=Message("audit this tenant by itself, or give the program more memory"),
        )
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return GraphError(
            "tenant-failed",
            Message("a file or connection failed: {reason}", reason=reason),
            hint=Message("check the disk, the network and the permissions of this process, and try again"),
        )
    return GraphError(
        "tenant-bug",
        Message("a bug in the program: {name}", name=type(error).__name__),
        hint=Message("run again with -v and report it at {bugs}; other tenants are not affected", bugs=BUGS),
    )
