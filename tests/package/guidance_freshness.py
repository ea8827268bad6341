"""Lists guidance that is due for a review: `python -m tests.package.guidance_freshness [DATE] [DOCS]`."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from auditor.app.audit.remediation import packaged_library
from tests.guidance.freshness import Freshness, freshness
from tests.package.docs_pages import write


def lines(state: Freshness) -> Iterator[str]:
    """Yield a line for every part last checked more than twelve months ago, and for every announced change."""
    yield f"Older than 12 months on {state.as_of.isoformat()}: {len(state.stale)}"
    yield from (f"  {part.checked.isoformat()}  {part.kind} {part.id}: {part.title}" for part in state.stale)
    yield f"Announced for a date after {state.as_of.isoformat()}: {len(state.announced)}"
    for item in state.announced:
        change = "begins" if item.begins else "ends"
        yield f"  {item.day.isoformat()}  {item.article} {item.part} {change}: {item.text}"


def main(arguments: Sequence[str]) -> int:
    """List what is due on a date (default: today) and write the pages to DOCS; return 2 for an invalid date."""
    day = arguments[0] if arguments else ""
    try:
        as_of = date.fromisoformat(day) if day else datetime.now(UTC).date()
    except ValueError:
        sys.stderr.write(f"error: '{day}' is no day; write it as YYYY-MM-DD\n")
        return 2
    sys.stdout.write("\n".join(lines(freshness(packaged_library(), as_of))) + "\n")
    write(Path(arguments[1] if len(arguments) > 1 else "docs"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
