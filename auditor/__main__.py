"""Runs the command `auditor`, also as `python -m auditor`."""

import gc
import os
import sys

_RARELY = (50_000, 20, 100)
"""Allocations between runs of the garbage collector: imports create ten thousands of objects and no cycles."""
_MALLOC = {-8: 1, -3: 32 << 20, -1: 64 << 20}
"""glibc's M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD."""
_BUG = 70
"""The exit code of a bug, as of EX_SOFTWARE in sysexits.h."""
_INTERRUPTED = 130


def configure_process() -> None:
    """Configure the process for the command; benchmarks call this too."""
    from auditor.import_block import block_import  # noqa: PLC0415  keeps `import auditor.__main__` free of effects

    gc.set_threshold(*_RARELY)
    block_import("pandas")
    # OpenBLAS threads would take memory that nothing here uses, and end the process if there is
    # none: with exit code 1, and without an exception.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's own allocator gives memory back and asks for it again: a fifth of a large audit went into clearing pages.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let all threads allocate from one heap of glibc, which keeps what is freed for the next allocation.

    By default several threads have heaps of their own, and large blocks are fetched from the system and returned to it.
    The system clears every page that it hands out: a quarter of what optional sources added to a collection.
    """
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415  numpy imports it too

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):
        return  # another C library, or a Python without ctypes
    for option, value in _MALLOC.items():
        mallopt(option, value)


def main() -> None:
    """Run the command line and exit with its exit code."""
    code = _code()
    # The process ends: a last garbage collection would be wasted.
    gc.freeze()
    sys.exit(code)


def _code() -> int:
    """Return the exit code; an error that cannot be reported is a bug (70), because only an audit ends with 0 or 1."""
    try:
        configure_process()
        from auditor.cli.process import run  # noqa: PLC0415  likewise

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the last place where a failure can become an exit code
        return _report_bug(error)


def _report_bug(error: BaseException) -> int:
    """Report an error in one line, without the rest of the program: imports or memory may be what failed."""
    name = getattr(error, "name", None)
    line = " ".join(("auditor:", "bug:", type(error).__name__, *([str(name)] if name else []))) + "\n"
    try:
        os.write(2, line.encode("ascii", "replace"))
    except OSError:
        return _BUG  # stderr is closed; the exit code still reports the failure
    return _BUG


if __name__ == "__main__":
    main()
