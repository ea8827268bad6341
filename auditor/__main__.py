"""The command `auditor`, also as `python -m auditor`."""

import gc
import sys

_RARELY = (50_000, 20, 100)
"""New objects before the collector looks for cycles: importing makes ten thousands of objects and not one cycle."""


def settle() -> None:
    """Set up the process as the command runs in it; whoever times the program calls this as well."""
    from auditor.imports import keep_out  # noqa: PLC0415  keeps `import auditor.__main__` free of effects

    gc.set_threshold(*_RARELY)
    keep_out("pandas")


def main() -> None:
    """Run the command line and leave with its exit code."""
    settle()
    from auditor.cli.main import run  # noqa: PLC0415  likewise

    code = run(sys.argv[1:])
    # What is left ends with the process: nobody needs to look through it for cycles once more.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
