"""The policy files of the demo: the starter library and the demo's overlay."""

import re
from datetime import UTC, date, datetime

from auditor import resources
from auditor.demo.tenants import snapshot_instant

WRITTEN = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The instant that the dates in the overlay refer to; for other nights they are shifted."""

_DATE = re.compile(r"(\b(?:expires|ends|from): )(\d{4}-\d{2}-\d{2})")


def policies(as_of: datetime) -> tuple[tuple[str, bytes], ...]:
    """Return (name, content) of every file, sorted by name, with the dates of the overlay shifted to the night.

    A waiver or contract that ends in nine days thus ends in nine days whenever the demo is run.
    """
    library = sorted(resources.policies().iterdir(), key=lambda entry: entry.name)
    library_files = [
        (f"policies/{entry.name}", entry.read_bytes())
        for entry in library
        if entry.name.endswith(".yaml") and not entry.name.endswith("_test.yaml")
    ]
    return (*library_files, ("policies/contoso.yaml", overlay(as_of)))


def overlay(as_of: datetime) -> bytes:
    """Return the policies, waivers, contracts and prices of the demo's tenants as a YAML file."""
    shift = snapshot_instant(as_of.astimezone(UTC)).date() - WRITTEN.date()
    text = resources.demo_text("overlay.yaml")
    return _DATE.sub(lambda match: f"{match[1]}{date.fromisoformat(match[2]) + shift}", text).encode()
