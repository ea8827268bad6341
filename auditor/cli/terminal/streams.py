"""Standard output and standard error: unencodable characters, closed pipes, and workflow commands in CI logs."""

import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from auditor.deliver.log_commands import CommandEscaper, in_github_actions
from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message

_READER_GONE: Final = frozenset({errno.EPIPE, errno.EBADF, *((errno.EINVAL,) if sys.platform == "win32" else ())})
"""Errors of writing to a pipe without reader or to a closed stream; they are not failures."""
_INCOMPLETE: Final = 3


class Sink(io.RawIOBase):
    """The raw end of a stream; after a failed write it accepts all data and discards it."""

    def __init__(self, raw: Any) -> None:
        super().__init__()
        self._raw = raw
        self._is_discarding = False
        self.failure: OSError | None = None
        """The error of the failed write; None if only the reader is gone."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int | None:
        """Write bytes; write errors are kept in `failure` instead of raised."""
        if not self._is_discarding:
            try:
                written: int | None = self._raw.write(data)
            except BlockingIOError:
                return None
            except OSError as error:
                self._is_discarding = True
                self.failure = None if error.errno in _READER_GONE else error
            else:
                return written
        return memoryview(data).nbytes


class StoppedCommands:
    """The part of a GitHub Actions log between `stop-commands` and a token, in which the runner ignores commands.

    Both streams share it.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._stream: Stream | None = None

    def open(self, stream: "Stream") -> None:
        """Stop the commands on a stream, unless they are stopped already."""
        if self._stream is None:
            self._stream = stream
            stream.write_line(f"::stop-commands::{self._token}")

    def close(self) -> "Stream | None":
        """Let the runner execute commands again; returns the stream on which they were stopped."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.write_line(f"::{self._token}::")
            stream.flush()
        return stream


class Stream(io.TextIOWrapper):
    """A text stream that escapes workflow commands and never fails to encode a character."""

    def __init__(
        self, sink: Sink, like: io.TextIOWrapper, errors: str, stopped: StoppedCommands | None, *, is_for_people: bool
    ) -> None:
        super().__init__(
            io.BufferedWriter(sink), encoding=like.encoding, errors=errors, line_buffering=like.line_buffering
        )
        self.sink = sink
        self._original = like  # a reference: garbage collection would close the file
        self.stopped = stopped
        self.is_for_people = is_for_people
        """Whether only people read the text. Data may be piped into another program, so no lines are added to it."""
        self._escaper = CommandEscaper(at_start=stopped is not None)

    def write(self, text: str) -> int:
        """Write text; returns its length."""
        if text and self.is_for_people and self.stopped is not None:
            self.stopped.open(self)
        super().write(self._escaper.escape_next(text))
        return len(text)

    def write_line(self, line: str) -> None:
        """Write a line to the log without escaping; a workflow command in it is executed."""
        separator = "" if self._escaper.at_line_start else "\n"
        super().write(f"{separator}{line}\n")
        self._escaper = CommandEscaper(at_start=self.stopped is not None)


def open_standard_files() -> None:
    """Open the null device for closed standard streams, so that no report gets their file descriptor."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def prepare() -> None:
    """Replace sys.stdout and sys.stderr with a Stream each."""
    stopped = None
    if in_github_actions(os.environ):
        import secrets  # noqa: PLC0415  only in a job

        stopped = StoppedCommands(f"auditor-{secrets.token_hex(16)}")
    for name, errors, is_for_people in (("stdout", "replace", False), ("stderr", "backslashreplace", True)):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  open until the process ends
        stream.flush()
        raw = getattr(stream.buffer, "raw", stream.buffer)
        setattr(sys, name, Stream(Sink(raw), stream, errors, stopped, is_for_people=is_for_people))


def finish(code: int) -> tuple[int, DeliveryError | None]:
    """Flush stdout; returns the exit code of the process, and the error if stdout could not be written completely.

    A closed pipe is not an error. Any other write error makes the run incomplete, because data is lost.
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
    """Let the runner of a job execute commands again, and flush both streams."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Stream):
            if stream.stopped is not None:
                stream.stopped.close()
            stream.flush()


@contextmanager
def for_people() -> Iterator[None]:
    """Mark what the block writes to stdout as text for people, not as data for another program."""
    stream = sys.stdout
    if not isinstance(stream, Stream):
        yield
        return
    if stream.stopped is not None:
        stream.stopped.close()  # it may be open on stderr
    stream.is_for_people = True
    try:
        yield
    finally:
        stream.is_for_people = False
        if stream.stopped is not None:
            stream.stopped.close()


def write_commands(lines: Iterable[str], *, to_stderr: bool) -> None:
    """Write workflow commands to a job's log, where the runner executes them.

    They are written to stdout, or to stderr if stdout is a report. If commands are stopped, that ends first, and the
    commands follow on the same stream, so that the runner sees both in this order.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    stopped = getattr(stream, "stopped", None)
    if isinstance(stopped, StoppedCommands):
        stream = stopped.close() or stream
    for line in lines:
        if isinstance(stream, Stream):
            stream.write_line(CommandEscaper(at_start=False).escape_next(line))
        else:
            stream.write(f"{line}\n")
    stream.flush()
