"""The command `auditor`, also as `python -m auditor`."""

import gc
import os
import sys

_RARELY = (50_000, 20, 100)
"""New objects before the collector looks for cycles: importing makes ten thousands of objects and not one cycle."""
_BUG = 70
"""The exit code of a bug, as of EX_SOFTWARE in sysexits.h."""
_INTERRUPTED = 130


def settle() -> None:
    """Set up the process as the command runs in it; whoever times the program calls this as well."""
    from auditor.import_block import keep_out  # noqa: PLC0415  keeps `import auditor.__main__` free of effects

    gc.set_threshold(*_RARELY)
    keep_out("pandas")
    # Threads of a library for matrices would take memory that nothing here uses, and end the process where there is
    # none: with exit code 1, and without an exception.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = _code()
    # What is left ends with the process: nobody needs to look through it for cycles once more.
    gc.freeze()
    sys.exit(code)


def _code() -> int:
    """Return the exit code; whatever cannot even be told is a bug: nothing but an audit ends with 0 or 1."""
    try:
        settle()
        from auditor.cli.process import run  # noqa: PLC0415  likewise

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the last place where a failure can become an exit code
        return _untold(error)


def _untold(error: BaseException) -> int:
    """Say in one line what went wrong where nothing of the program may work, not even its imports or the memory."""
    name = getattr(error, "name", None)
    line = " ".join(("auditor:", "bug:", type(error).__name__, *([str(name)] if name else []))) + "\n"
    try:
        os.write(2, line.encode("ascii", "replace"))
    except OSError:
        return _BUG  # nobody hears of it, and the exit code still tells
    return _BUG


if __name__ == "__main__":
    main()
