"""The state of an emulated tenant, as a plan reads it."""

from pathlib import Path

from auditor.app.tenants.collection import collect_all, everything
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from tests.builders.tenant.collection import configured, environment
from tests.builders.tenant.tenants import NOW
from tests.emulator.server import Emulator


def collected(emulator: Emulator, root: Path) -> Snapshot:
    """Collect the tenant into a folder, and read it back."""
    tenants = [configured(emulator)]
    outcome = collect_all(tenants, lambda _: everything(), root=root, instant=NOW, environ=environment(emulator))[0]
    assert outcome.folder is not None, outcome.failure
    return read(outcome.folder)
