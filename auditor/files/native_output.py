"""Discards what libraries in C print to standard output, where documents are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_STDOUT: Final = 1


@contextmanager
def discard_native_output() -> Iterator[None]:
    """Discard what is written to the file descriptor of standard output, for example with C's `printf`.

    The file descriptor belongs to the whole process, so no other thread may write to it meanwhile. What Python has
    buffered for `sys.stdout` is written afterwards.
    """
    try:
        saved = os.dup(_STDOUT)
    except OSError:  # standard output is closed
        yield
        return
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, _STDOUT)
        os.close(nothing)
        yield
    finally:
        os.dup2(saved, _STDOUT)
        os.close(saved)
