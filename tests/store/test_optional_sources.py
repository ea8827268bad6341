"""Roles, Conditional Access, devices, usage and contracts survive a store, an interrupted one, and redaction."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from auditor.app.redaction.pseudonyms import Key
from auditor.app.redaction.redact import redacted
from auditor.demo import snapshots
from auditor.domain.enums import SubjectType
from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.render import render
from auditor.snapshot.reader import read
from auditor.snapshot.schema import OPTIONAL_TABLES
from auditor.snapshot.writer import write
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.result.audited_demo import AS_OF, demo_result
from tests.builders.tenant.snapshot_damage import rewritten
from tests.builders.tenant.two_people import assert_same_tables, store_in

_OF_USERS = ("teamsLastActivityDate", "copilotLastActivityDate", "appUsageD180", "mailboxStorageUsed", "managedDevices")
_EVIDENCE = {"directoryRoles", "appUsage", "copilotUsage", "smallerProduct"}
KEY = Key(secret=b"a key of 16 bytes or more", stable=True)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Three nights of the built-in tenant: its use goes on, a role is given back, a policy is switched off."""
    root = tmp_path_factory.mktemp("nights")
    first, second, third = (
        write(root / str(day), next(iter(snapshots(AS_OF + timedelta(days=day))))) for day in range(3)
    )
    for folder in (second, third):
        rewritten(folder, "role_assignments", lambda table: table.slice(1))
    rewritten(third, "conditional_access_policies", lambda table: table.slice(0, 1))
    return first, second, third


def assert_same(given: Path, back: Path) -> None:
    assert_same_tables(given, back)
    for name in OPTIONAL_TABLES:
        assert pq.read_table(back / f"{name}.parquet").equals(pq.read_table(given / f"{name}.parquet")), name
    assert read(back).manifest == read(given).manifest


@pytest.mark.slow
def test_the_nights_have_what_they_are_to_prove(nights: Sequence[Path]) -> None:
    rows = [{name: pq.read_table(folder / f"{name}.parquet").num_rows for name in OPTIONAL_TABLES} for folder in nights]
    assert all(min(each.values()) > 0 for each in rows)
    assert [each["role_assignments"] for each in rows] == [4, 3, 3]
    people = pq.read_table(nights[0] / "users.parquet")
    assert [name for name in _OF_USERS if people[name].null_count == len(people)] == []


@pytest.mark.slow
def test_every_table_and_column_comes_out_of_a_store(nights: Sequence[Path], tmp_path: Path) -> None:
    store = store_in(tmp_path)
    entries = [store.put(folder)[0] for folder in nights]
    assert [entry.parts[-1].kind for entry in entries] == ["full", "steps", "steps"]
    for folder, entry in zip(nights, entries, strict=True):
        assert_same(folder, store.restore(entry, tmp_path / "back"))


class _Cut(FolderBackend):
    """A folder whose disk is full after some objects."""

    left = 1

    def create(self, name: str, body: bytes) -> bool:
        if self.left == 0:
            raise DeliveryError("store-unwritable", Message("no space left"))
        self.left -= 1
        return super().create(name, body)


@pytest.mark.slow
def test_a_night_that_was_cut_is_stored_whole_the_next_time(nights: Sequence[Path], tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put(nights[0])
    with pytest.raises(DeliveryError):
        Store(_Cut(tmp_path / "store")).put(nights[1])
    assert len(store.nights()) == 1
    for folder in nights[1:]:
        entry, new = store.put(folder)
        assert new
        assert_same(folder, store.restore(entry, tmp_path / "back"))


def people_of(folder: Path) -> list[dict[str, Any]]:
    names = ["id", "displayName", "userPrincipalName"]
    rows: list[dict[str, Any]] = pq.read_table(folder / "users.parquet", columns=names).to_pylist()
    return rows


def optional_values(result: Result) -> tuple[Any, ...]:
    """Return what the result of a tenant says of contracts, use and seats."""
    of = next(each for each in result.tenants if each.name == "contoso")
    terms = (of.contracts, of.contract_prices, of.renewal_prices)
    assert None not in terms
    return (*terms, of.usage, of.coverage, of.smaller_products, of.subscriptions, of.seats)


@pytest.mark.slow
def test_redaction_hides_people_in_what_the_new_sources_say_and_keeps_the_rest(nights: Sequence[Path]) -> None:
    before, after = demo_result(), redacted(demo_result(), KEY)
    assert optional_values(after) == optional_values(before)
    kept = {finding.fingerprint: finding for tenant in after.tenants for finding in tenant.findings}
    seen = set()
    for one in (finding for tenant in before.tenants for finding in tenant.findings):
        if one.subject.type is SubjectType.USER:
            names = _EVIDENCE & one.evidence.keys()
            assert names <= kept[KEY.fingerprint(one.fingerprint)].evidence.keys()
            seen |= names
    assert seen == _EVIDENCE
    text = b"".join(render(after, "json", locale="en").chunks()).decode()
    for person in people_of(nights[0]):
        for name in ("id", "userPrincipalName"):
            assert person[name] not in text
