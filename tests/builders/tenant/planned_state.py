"""Collects an emulated tenant for a plan."""

from pathlib import Path

from auditor.app.tenants.collection import all_needs, collect_all
from auditor.domain.policy.model import PolicySet
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from tests.builders.tenant.collection import configured, environment
from tests.builders.tenant.tenants import NOW
from tests.emulator.server import Emulator


def collected(emulator: Emulator, root: Path, policies: PolicySet | None = None, *, name: str = "contoso") -> Snapshot:
    """Collect the complete tenant and everything that the policies name into a folder, and return the snapshot."""
    (outcome,) = collect_all(
        [configured(emulator, name)],
        lambda _: all_needs(policies),
        root=root,
        instant=NOW,
        environ=environment(emulator),
    )
    assert outcome.folder is not None, outcome.failure
    return read(outcome.folder)
