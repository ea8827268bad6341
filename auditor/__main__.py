"""Entry point of the command `auditor` and of `python -m auditor`."""

import gc
import os
import sys

from auditor import exit_codes

_GC_THRESHOLDS = (50_000, 20, 100)
"""Thresholds of the garbage collector, high because imports create tens of thousands of objects and no cycles."""
_MALLOC_OPTIONS = {-8: 1, -3: 4 << 20, -1: 64 << 20}
"""glibc's M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.

Blocks of 4 MiB and more are returned to the system at once: the columns of a row group do not fragment the heap.
"""
_UNUSED_MODULES = ("pandas", "pytz", "pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs")
"""Modules that PyArrow and Babel import if they are installed, and that nothing here uses."""


def configure_process() -> None:
    """Configure the process for the command; benchmarks call this too."""
    from auditor.import_block import block_import  # noqa: PLC0415  `import auditor.__main__` has no side effects

    gc.set_threshold(*_GC_THRESHOLDS)
    for name in _UNUSED_MODULES:
        block_import(name)
    # OpenBLAS threads would allocate memory that nothing here uses. If there is too little, they end the process with
    # exit code 1 and without an exception.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's default allocator frees and requests the same memory again: a large audit spent a fifth of its time on
    # clearing pages.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Make all threads allocate from one heap of glibc that keeps freed blocks below 4 MiB for later allocations.

    By default threads have separate heaps, and blocks from 128 KiB are requested from the system and returned to it.
    The system clears every page: this was a quarter of the time that optional sources added to a collection.
    """
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415  numpy imports it too

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):
        return  # another C library, or a Python without ctypes
    for option, value in _MALLOC_OPTIONS.items():
        mallopt(option, value)


def main() -> None:
    """Run the command line and exit with its exit code."""
    code = _exit_code()
    # Skip the garbage collection when the process ends.
    gc.freeze()
    sys.exit(code)


def _exit_code() -> int:
    """Run the command line; any other error is a bug (70), because 0 and 1 are results of an audit."""
    try:
        configure_process()
        from auditor.cli.process import run  # noqa: PLC0415  after configure_process()

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BaseException as error:  # noqa: BLE001  the last chance to turn a failure into an exit code
        return _report_bug(error)


def _report_bug(error: BaseException) -> int:
    """Report an error in one line without importing anything, because imports or allocations may have failed."""
    name = getattr(error, "name", None)
    line = " ".join(("auditor:", "bug:", type(error).__name__, *([str(name)] if name else []))) + "\n"
    try:
        os.write(2, line.encode("ascii", "replace"))
    except OSError:
        return exit_codes.BUG  # stderr is closed; the exit code still reports the failure
    return exit_codes.BUG


if __name__ == "__main__":
    main()
