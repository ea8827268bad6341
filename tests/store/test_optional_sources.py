"""Tests that optional sources (roles, Conditional Access, devices, usage, contracts) survive a store and redaction."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditor.demo import snapshots
from auditor.domain.enums import SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.reader import read
from auditor.snapshot.schema import OPTIONAL_TABLES
from auditor.snapshot.writer import write
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.result.audited_demo import AS_OF, demo_result
from tests.builders.result.rendered import rendered_text
from tests.builders.tenant.snapshot_damage import rewritten
from tests.builders.tenant.two_people import assert_same_tables, store_in

pytestmark = pytest.mark.slow
_OF_USERS = ("teamsLastActivityDate", "copilotLastActivityDate", "appUsageD180", "mailboxStorageUsed", "managedDevices")
_EVIDENCE = {"directoryRoles", "appUsage", "copilotUsage", "smallerProduct"}
KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Three nights of the demo tenant, in which a role assignment and then a Conditional Access policy are removed."""
    root = tmp_path_factory.mktemp("nights")
    first, second, third = (
        write(root / str(day), next(iter(snapshots(AS_OF + timedelta(days=day))))) for day in range(3)
    )
    for folder in (second, third):
        rewritten(folder, "role_assignments", lambda table: table.slice(1))
    rewritten(third, "conditional_access_policies", lambda table: table.slice(0, 1))
    return first, second, third


def assert_same(original: Path, restored: Path) -> None:
    assert_same_tables(original, restored)
    for name in OPTIONAL_TABLES:
        assert pq.read_table(restored / f"{name}.parquet").equals(pq.read_table(original / f"{name}.parquet")), name
    assert read(restored).manifest == read(original).manifest


def test_nights_contain_data_of_all_optional_sources(nights: Sequence[Path]) -> None:
    rows = [{name: pq.read_table(folder / f"{name}.parquet").num_rows for name in OPTIONAL_TABLES} for folder in nights]
    assert all(min(counts.values()) > 0 for counts in rows)
    assert [counts["role_assignments"] for counts in rows] == [4, 3, 3]
    users = pq.read_table(nights[0] / "users.parquet")
    assert [name for name in _OF_USERS if users[name].null_count == len(users)] == []


def test_store_restores_every_table_and_column(nights: Sequence[Path], tmp_path: Path) -> None:
    store = store_in(tmp_path)
    entries = [store.put(folder)[0] for folder in nights]
    assert [entry.parts[-1].kind for entry in entries] == ["full", "steps", "steps"]
    for folder, entry in zip(nights, entries, strict=True):
        assert_same(folder, store.restore(entry, tmp_path / "back"))


class _DiskFullBackend(FolderBackend):
    """A folder backend that fails after `left` objects, as if the disk were full."""

    left = 1

    def create(self, name: str, body: bytes) -> bool:
        if self.left == 0:
            raise DeliveryError("store-unwritable", Message("no space left"))
        self.left -= 1
        return super().create(name, body)


def test_interrupted_night_is_stored_completely_by_the_next_put(nights: Sequence[Path], tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put(nights[0])
    with pytest.raises(DeliveryError):
        Store(_DiskFullBackend(tmp_path / "store")).put(nights[1])
    assert len(store.nights()) == 1
    for folder in nights[1:]:
        entry, stored = store.put(folder)
        assert stored
        assert_same(folder, store.restore(entry, tmp_path / "back"))


def users_of(folder: Path) -> list[dict[str, Any]]:
    names = ["id", "displayName", "userPrincipalName"]
    rows: list[dict[str, Any]] = pq.read_table(folder / "users.parquet", columns=names).to_pylist()
    return rows


def optional_values(result: Result) -> tuple[Any, ...]:
    """Return the contracts, usage and seats in the result of the tenant `contoso`."""
    contoso = next(tenant for tenant in result.tenants if tenant.name == "contoso")
    terms = (contoso.contracts, contoso.contract_prices, contoso.renewal_prices)
    assert None not in terms
    return (*terms, contoso.usage, contoso.coverage, contoso.smaller_products, contoso.subscriptions, contoso.seats)


def test_redaction_hides_users_in_optional_sources_and_keeps_the_rest(nights: Sequence[Path]) -> None:
    before, after = demo_result(), redacted(demo_result(), KEY)
    assert optional_values(after) == optional_values(before)
    redacted_findings = {finding.fingerprint: finding for tenant in after.tenants for finding in tenant.findings}
    evidence_names = set()
    for finding in (finding for tenant in before.tenants for finding in tenant.findings):
        if finding.subject.type is SubjectType.USER:
            names = _EVIDENCE & finding.evidence.keys()
            assert names <= redacted_findings[KEY.fingerprint(finding.fingerprint)].evidence.keys()
            evidence_names |= names
    assert evidence_names == _EVIDENCE
    text = rendered_text(after, "json")
    for user in users_of(nights[0]):
        for name in ("id", "userPrincipalName"):
            assert user[name] not in text
