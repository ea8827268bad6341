"""Standard output and standard error of a process: any encoding, readers that go away, and the log of a CI job."""

import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from auditor.deliver.log_commands import CommandEscaper
from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message

_NOBODY_READS: Final = frozenset({errno.EPIPE, errno.EBADF, *((errno.EINVAL,) if sys.platform == "win32" else ())})
"""Errors of writing to a reader that is gone or a stream that was closed; they are no failures."""
_INCOMPLETE: Final = 3


class Sink(io.RawIOBase):
    """The raw end of a stream; after a failed write it accepts all data and discards it."""

    def __init__(self, raw: Any) -> None:
        super().__init__()
        self._raw = raw
        self._ended = False
        self.failure: OSError | None = None
        """Why it could not be written; None if its reader is gone."""

    def writable(self) -> bool:
        """Return True, as every stream for output does."""
        return True

    def fileno(self) -> int:
        """Return the number of the file behind it."""
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int | None:
        """Write some bytes; none raises."""
        if not self._ended:
            try:
                written: int | None = self._raw.write(data)
            except BlockingIOError:
                return None
            except OSError as error:
                self._ended = True
                self.failure = None if error.errno in _NOBODY_READS else error
            else:
                return written
        return memoryview(data).nbytes


class Bracket:
    """The part of a GitHub job's log in which the runner takes no commands; both streams share it."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._on: Stream | None = None

    def open(self, stream: "Stream") -> None:
        """Begin it on a stream, unless it is open."""
        if self._on is None:
            self._on = stream
            stream.write_line(f"::stop-commands::{self._token}")

    def close(self) -> "Stream | None":
        """End it; returns the stream on which it was open."""
        stream, self._on = self._on, None
        if stream is not None:
            stream.write_line(f"::{self._token}::")
            stream.flush()
        return stream


class Stream(io.TextIOWrapper):
    """Text that is written in any encoding, with no command in it that a job's log would run."""

    def __init__(
        self, sink: Sink, like: io.TextIOWrapper, errors: str, bracket: Bracket | None, *, is_for_people: bool
    ) -> None:
        super().__init__(
            io.BufferedWriter(sink), encoding=like.encoding, errors=errors, line_buffering=like.line_buffering
        )
        self.sink = sink
        self._like = like  # garbage collection of it would close the file
        self.bracket = bracket
        self.is_for_people = is_for_people
        """Whether only people read it; no line is added to data, which may be piped into another program."""
        self._breaker = CommandEscaper(at_start=bracket is not None)

    def write(self, text: str) -> int:
        """Write text; returns its length."""
        if text and self.is_for_people and self.bracket is not None:
            self.bracket.open(self)
        super().write(self._breaker.feed(text))
        return len(text)

    def write_line(self, line: str) -> None:
        """Write a line of our own to a job's log: a command stays one."""
        start = "" if self._breaker.fresh else "\n"
        super().write(f"{start}{line}\n")
        self._breaker = CommandEscaper(at_start=self.bracket is not None)


def open_standard_files() -> None:
    """Open the null device for standard files that are closed, so that no report takes their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def prepare(environ: Mapping[str, str] = os.environ, token: str | None = None) -> None:
    """Put streams of this module into the places of stdout and stderr; `token` is random without one."""
    bracket = Bracket(token or _random()) if environ.get("GITHUB_ACTIONS") == "true" else None
    for name, errors, is_for_people in (("stdout", "replace", False), ("stderr", "backslashreplace", True)):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it stays for as long as the process
        stream.flush()
        raw = getattr(stream.buffer, "raw", stream.buffer)
        setattr(sys, name, Stream(Sink(raw), stream, errors, bracket, is_for_people=is_for_people))


def finish(code: int) -> tuple[int, DeliveryError | None]:
    """Write what is left; returns the process's exit code, and what kept stdout from being written whole.

    A reader that is gone changes nothing. A stdout that could not be written makes a run incomplete: its data is lost.
    """
    stdout = sys.stdout
    if not isinstance(stdout, Stream):
        return code, None
    stdout.flush()
    failure = stdout.sink.failure
    if failure is None:
        return code, None
    error = DeliveryError(
        "stdout-unwritable",
        Message("standard output cannot be written: {strerror}", strerror=failure.strerror),
        hint=Message("free some disk space, or choose other files with -o and -f FORMAT=PATH"),
    )
    return (max(code, _INCOMPLETE)), error


def close() -> None:
    """End the bracket of a job's log, and write what is left."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Stream):
            if stream.bracket is not None:
                stream.bracket.close()
            stream.flush()


@contextmanager
def for_people() -> Iterator[None]:
    """Mark what the block writes to stdout as text for people, and no data for another program."""
    stream = sys.stdout
    if not isinstance(stream, Stream):
        yield
        return
    if stream.bracket is not None:
        stream.bracket.close()  # it may stand on stderr
    stream.is_for_people = True
    try:
        yield
    finally:
        stream.is_for_people = False
        if stream.bracket is not None:
            stream.bracket.close()


def write_commands(lines: Iterable[str], *, beside_data: bool) -> None:
    """Write workflow commands of our own to a job's log, outside of its bracket.

    They go to stdout, or to stderr where stdout is a report; where a bracket is open they follow it on its stream, so
    that the runner sees both in this order.
    """
    stream = sys.stderr if beside_data else sys.stdout
    bracket = getattr(stream, "bracket", None)
    if isinstance(bracket, Bracket):
        stream = bracket.close() or stream
    for line in lines:
        if isinstance(stream, Stream):
            stream.write_line(CommandEscaper(at_start=False).feed(line))
        else:
            stream.write(f"{line}\n")
    stream.flush()


def _random() -> str:
    import secrets  # noqa: PLC0415  only in a job

    return f"auditor-{secrets.token_hex(16)}"
