"""The command `auditor`, also as `python -m auditor`."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from auditor.cli.main import run  # noqa: PLC0415  keeps `import auditor.__main__` free of effects

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
