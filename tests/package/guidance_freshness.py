"""Lists guidance that is due for a check: `python -m tests.package.guidance_freshness [DATE] [DOCS]`."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from auditor.app.audit.remediation import packaged_library
from auditor.guidance.freshness import Freshness, freshness
from tests.package.docs_pages import write


def lines(state: Freshness) -> Iterator[str]:
    """Yield a line for everything older than twelve months and for every announced change."""
    yield f"Older than 12 months on {state.as_of.isoformat()}: {len(state.stale)}"
    yield from (f"  {each.checked.isoformat()}  {each.kind} {each.id}: {each.title}" for each in state.stale)
    yield f"Announced for a date after {state.as_of.isoformat()}: {len(state.announced)}"
    for each in state.announced:
        change = "begins" if each.begins else "ends"
        yield f"  {each.day.isoformat()}  {each.article} {each.part} {change}: {each.text}"


def main(arguments: Sequence[str]) -> int:
    """List what is due on a day (default: today) and write the pages to DOCS; 2 for an invalid day."""
    given = arguments[0] if arguments else ""
    try:
        as_of = date.fromisoformat(given) if given else datetime.now(UTC).date()
    except ValueError:
        sys.stderr.write(f"error: '{given}' is no day; write it as YYYY-MM-DD\n")
        return 2
    sys.stdout.write("\n".join(lines(freshness(packaged_library(), as_of))) + "\n")
    write(Path(arguments[1] if len(arguments) > 1 else "docs"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
