"""The command `auditor`, also as `python -m auditor`."""

import gc
import sys

_RARELY = (50_000, 20, 100)
"""New objects before the collector looks for cycles: importing makes ten thousands of objects and not one cycle."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(*_RARELY)
    from auditor.cli.main import run  # noqa: PLC0415  keeps `import auditor.__main__` free of effects
    from auditor.imports import keep_out  # noqa: PLC0415

    keep_out("pandas")
    code = run(sys.argv[1:])
    # What is left ends with the process: nobody needs to look through it for cycles once more.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
