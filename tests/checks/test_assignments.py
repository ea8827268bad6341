"""The checks of `assignments`: subjects, products, details, evidence and money of their findings."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.catalogue import builtin
from auditor.snapshot.reader import read
from auditor.snapshot.schema import SMALL_TABLES
from auditor.snapshot.writer import SnapshotWriter
from tests.builders.tenant.tenants import bought, euros, finding_keys, judged, one, path, sku_id, tenant, user

EPOCH, SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
PRICES = "{SPE_E3: 35.70, SPE_E5: 54.75}"
GROUP = "aaaaaaaa-0000-0000-0000-000000000001"


def plan_id(name: str) -> str:
    return builtin().plan(name)[0].id


def test_not_allowed_is_reported_once_per_product() -> None:
    state = tenant(user("ann", "SPE_E5", "SPE_E3", "FLOW_FREE", "VISIOCLIENT"), user("bob", "SPE_F1"), user("cas"))
    result = judged("assignments: {allow: [SPE_F1, free]}", state, prices=PRICES)
    assert finding_keys(result) == [
        ("assignment.not-allowed", "ann", "SPE_E3", None),
        ("assignment.not-allowed", "ann", "SPE_E5", None),
        ("assignment.not-allowed", "ann", "VISIOCLIENT", None),
    ]
    assert [euros(finding) for finding in result.findings] == [Decimal("35.70"), Decimal("54.75"), None]


def test_evidence_has_the_user_and_the_paths_of_the_product() -> None:
    ann = user(
        "ann",
        "SPE_E5",
        "SPE_E3",
        paths=[path("SPE_E5", GROUP), path("SPE_E5", state="ActiveWithError", error="Other"), path("SPE_E3")],
        department="Store",
        usageLocation="NL",
    )
    finding = one(judged("assignments: {deny: [SPE_E5]}", tenant(ann)))
    assert finding.evidence == {
        "userPrincipalName": "ann@contoso.example",
        "accountEnabled": True,
        "department": "Store",
        "usageLocation": "NL",
        "assignedLicenses": ["SPE_E3", "SPE_E5"],
        "paths": [
            {"assignedByGroup": GROUP, "state": "Active", "error": "None"},
            {"assignedByGroup": None, "state": "ActiveWithError", "error": "Other"},
        ],
    }
    assert (finding.subject.id, finding.subject.name) == ("id-ann", "Ann")


@pytest.mark.slow
@given(st.lists(st.none() | st.integers(-62_000_000_000, 253_402_300_799).map(lambda second: EPOCH + second * SECOND)))
@example([EPOCH + timedelta(milliseconds=1_750_000_000_250), None, EPOCH - SECOND])
def test_evidence_has_instants_in_the_format_of_graph(instants: list[datetime | None]) -> None:
    texts = [None if instant is None else instant.isoformat().replace("+00:00", "Z") for instant in instants]
    people = [user(f"p{index:03}", "SPE_E5", createdDateTime=text) for index, text in enumerate(texts)]
    result = judged("assignments: {deny: [SPE_E5]}", tenant(*people))
    assert [finding.evidence.get("createdDateTime") for finding in result.findings] == texts


def test_denied_and_not_allowed_product_has_two_findings() -> None:
    result = judged("assignments: {allow: [], deny: [SPE_E5]}", tenant(user("ann", "SPE_E5")))
    assert [row[0] for row in finding_keys(result)] == ["assignment.denied", "assignment.not-allowed"]
    assert len({finding.fingerprint for finding in result.findings}) == 2


def test_redundant_product_names_the_larger_product() -> None:
    state = tenant(
        user("ann", "EXCHANGEENTERPRISE", "SPE_E3", "SPE_E5"),
        user("bob", "EXCHANGEENTERPRISE"),
        subscribedSkus=[bought("EXCHANGEENTERPRISE"), bought("SPE_E3"), bought("SPE_E5")],
    )
    result = judged("assignments: {of: [EXCHANGEENTERPRISE], redundant: deny}", state, prices="{EXCHANGEENTERPRISE: 8}")
    assert finding_keys(result) == [("assignment.redundant", "ann", "EXCHANGEENTERPRISE", "SPE_E5")]
    assert euros(one(result)) == 8


def test_duplicate_path_has_no_money() -> None:
    """A second path to the same product uses no second seat."""
    two_groups = [path("SPE_E3", GROUP), path("SPE_E3", GROUP.replace("1", "2"))]
    state = tenant(
        user("ann", "SPE_E3", paths=[path("SPE_E3", GROUP), path("SPE_E3")]), user("bob", "SPE_E3", paths=two_groups)
    )
    result = judged("assignments: {duplicates: deny, via: group}", state, prices=PRICES)
    assert finding_keys(result) == [
        ("assignment.duplicate", "ann", "SPE_E3", None),
        ("assignment.duplicate", "bob", "SPE_E3", None),
        ("assignment.path", "ann", "SPE_E3", None),
    ]
    assert {finding.money for finding in result.findings} == {None}


@pytest.mark.slow
@pytest.mark.parametrize("without_paths", [(), ("ann",), ("bob", "dee")])
def test_services_are_evaluated_from_licences_for_users_without_paths(
    tmp_path: Path, without_paths: tuple[str, ...]
) -> None:
    plan = plan_id("TEAMS1")
    people = [
        user(
            name,
            paths=[path("SPE_E3", off=[plan])],
            notCollected=["licenseAssignmentStates"] if name in without_paths else None,
        )
        | {"assignedLicenses": [{"skuId": sku_id("SPE_E3"), "disabledPlans": [] if name == "bob" else [plan]}]}
        for name in ("ann", "bob", "cid", "dee")
    ]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3")], rows=2)
    with SnapshotWriter(tmp_path, "contoso", "2026-11-20T021700Z") as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        for name in SMALL_TABLES:
            writer.write_table(name, state.table(name))
        stored = read(writer.commit(state.manifest))
    keys = finding_keys(judged("assignments: {services: {require: [TEAMS1]}}", stored))
    assert keys == finding_keys(judged("assignments: {services: {require: [TEAMS1]}}", state))
    assert [name for _, name, _, _ in keys] == [
        n for n in ("ann", "bob", "cid", "dee") if n != "bob" or n not in without_paths
    ]


def test_user_with_forty_of_three_hundred_products() -> None:
    """There are more products than bits in several machine words."""
    names = [f"ZZ_PRODUCT_{number:03}" for number in range(300)]
    ann = user("ann", *names[::7][:40])
    state = tenant(ann, user("bob", names[299]), subscribedSkus=[bought(name, 5, 1) for name in names])
    result = judged("assignments: {of: ['ZZ_PRODUCT_2*'], allow: [ZZ_PRODUCT_210]}", state)
    expected = [name for name in names[::7][:40] if name.startswith("ZZ_PRODUCT_2") and name != "ZZ_PRODUCT_210"]
    assert finding_keys(result) == [
        *(("assignment.not-allowed", "ann", name, None) for name in expected),
        ("assignment.not-allowed", "bob", "ZZ_PRODUCT_299", None),
    ]
    assert len(result.seats) == 300
