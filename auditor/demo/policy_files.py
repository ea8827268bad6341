"""The policy files of the demo: the starter library, as far as there is data for it, and the demo's overlay."""

import re
from datetime import UTC, date, datetime
from importlib.resources import files

from auditor import resources
from auditor.demo.tenants import night_of

WRITTEN = date(2026, 11, 20)
"""The day for which the overlay's dates were written; for another day they are shifted."""

_WITHOUT_FACTS = frozenset({"usage.yaml"})
"""Files of the library that ask for data that the demo's tenants do not have."""
_EXPIRES = re.compile(r"(?<=\bexpires: )\d{4}-\d{2}-\d{2}")


def policies(as_of: datetime) -> tuple[tuple[str, bytes], ...]:
    """Return (name, content) of every file, sorted by name, with waiver dates shifted to the night.

    A waiver that ends in nine days does so on every day on which the demo is run.
    """
    library = sorted(resources.policies().iterdir(), key=lambda entry: entry.name)
    found = [
        (f"policies/{entry.name}", entry.read_bytes())
        for entry in library
        if entry.name.endswith(".yaml") and not entry.name.endswith("_test.yaml") and entry.name not in _WITHOUT_FACTS
    ]
    return (*found, ("policies/contoso.yaml", overlay(as_of)))


def overlay(as_of: datetime) -> bytes:
    """Return the policies, waivers and prices of the demo's tenants."""
    moved = night_of(as_of.astimezone(UTC)).date() - WRITTEN
    text = (files("auditor.demo") / "overlay.yaml").read_text(encoding="utf-8")
    return _EXPIRES.sub(lambda found: (date.fromisoformat(found[0]) + moved).isoformat(), text).encode()
