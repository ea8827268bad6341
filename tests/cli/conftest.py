"""Shared by the command line tests: two saved tenants, and a policy file that both of them violate."""

from pathlib import Path

import pytest

from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import LEAVERS
from tests.builders.tenant.demo_snapshots import saved_demo
from tests.builders.tenant.tenants import bought, tenant, user

POLICY = LEAVERS + "- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}\n"


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tenants with one blocked account each, saved as `auditor collect` saves them."""
    root = tmp_path_factory.mktemp("fleet") / "snapshots"
    for name in ("contoso", "fabrikam"):
        people = [
            user(f"{person}-{name}", "SPE_E3", accountEnabled=person != "ann", department="Sales")
            for person in ("ann", "bob", "eve")
        ]
        write(root, tenant(*people, name=name, tenant_id=f"id-{name}", subscribedSkus=[bought("SPE_E3", 5, 3)]))
    return root


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two demo tenants, saved as `auditor collect` saves them, with people and products of every kind."""
    root = tmp_path_factory.mktemp("demo") / "snapshots"
    saved_demo(root)
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A working directory with one policy file in `policies/`."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "people.yaml").write_text(POLICY)
    return tmp_path
