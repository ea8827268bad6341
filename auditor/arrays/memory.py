"""The memory that Arrow's pool and the heap below it keep after arrays are freed."""

import pyarrow as pa


def release_arrow_memory() -> None:
    """Return unused memory of Arrow's pool to the operating system.

    The command uses the system's allocator as the pool, so this returns what any part of the process has freed.
    """
    pa.default_memory_pool().release_unused()
