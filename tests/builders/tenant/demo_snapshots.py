"""Snapshots of the two demo tenants, saved as `auditor collect` saves them."""

from datetime import datetime
from pathlib import Path

from auditor.demo.tenants import snapshots
from auditor.snapshot.writer import write
from tests.builders.tenant.tenants import NOW


def saved_demo(root: Path, instant: datetime = NOW) -> list[Path]:
    """Return the folders of the snapshots, which are in a folder per tenant below `root`."""
    return [write(root, snapshot) for snapshot in snapshots(instant)]
