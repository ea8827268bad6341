"""Pauses cyclic garbage collection while large acyclic object graphs are built."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def let_go_of_cycles() -> None:
    """Collect the cycles among the objects that were created since the last call."""
    gc.collect(0)


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause cyclic garbage collection, which would traverse the findings again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
