"""Writes the demo to a folder: `python -m auditor.demo FOLDER [--as-of INSTANT] [--previous]`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from auditor.demo.policy_files import policies
from auditor.demo.tenants import previous, snapshots
from auditor.domain.errors import AuditorError
from auditor.files.output import write_file
from auditor.snapshot.writer import write


def main(arguments: list[str] | None = None) -> None:
    """Write `FOLDER/snapshots/<tenant>/<instant>/` and `FOLDER/policies/`."""
    parser = argparse.ArgumentParser(
        prog="python -m auditor.demo", description="Write the demo's tenants and policies."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--as-of", type=_instant, default=None, help="RFC 3339; default: now")
    parser.add_argument("--previous", action="store_true", help="write the night before as well")
    options = parser.parse_args(arguments)
    as_of = options.as_of or datetime.now(UTC)
    try:
        for snapshot in (*(previous(as_of) if options.previous else ()), *snapshots(as_of)):
            write(options.folder / "snapshots", snapshot)
        for name, content in policies(as_of):
            write_file(options.folder / name, content)
    except (AuditorError, OSError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an instant, such as 2026-11-20T02:17:00Z") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
