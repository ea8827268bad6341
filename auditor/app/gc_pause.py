"""Python's collector of cycles, told to wait while many objects are made that lie in none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def let_go_of_cycles() -> None:
    """Free what lies in cycles among the objects made since it was called last."""
    gc.collect(0)


@contextmanager
def paused_gc() -> Iterator[None]:
    """Pause the collector of cycles: it would walk the findings again and again, and what is made is freed anyhow."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
