"""Tests the format in docs/snapshot.md: Parquet files of any writer are accepted, and invalid columns are named."""

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.snapshot.parquet.integrity import opened
from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.small_tenant import E5, INSTANT, TEXT, TEXTS, Tenant, path, seal, sku, write

POLICIES = """
version: 1
policies:
  - {id: denied, severity: high, users: {department: store}, assignments: {deny: [SPE_E5]}}
  - {id: via, severity: high, assignments: {via: group, services: {deny: [TEAMS]}}}
  - {id: quiet, severity: high, users: {inactiveFor: 30d, createdDateTime: {before: 30d}}, assignments: {allow: []}}
  - {id: spare, severity: high, seats: {of: paid, spare: {max: 1}}}
  - {id: ending, severity: high, subscriptions: {expiring: {within: 60d}}}
  - {id: sales, severity: high, users: {memberOf: Sales}, assignments: {allow: []}}
  - {id: groups, severity: high, health: {errors: deny, groups: deny}}
"""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TENANT = Tenant(
    users=[
        {
            "id": f"u{number:02}", "department": "Store" if number % 3 else None, "lastSignInDateTime": LONG_AGO,
            "createdDateTime": LONG_AGO,
            "licences": [path(E5, None if number % 2 else "G-1", pathDisabledPlans=["plan:teams"])] * (number % 4 > 0),
        }
        for number in range(12)
    ],
    products=[sku(E5, 50, 9)],
    plans={E5: ["TEAMS"]},
    subscriptions=[
        {"id": "s1", "skuId": E5, "status": "Enabled", "isTrial": False, "nextLifecycleDateTime": datetime(2026, 12, 1, tzinfo=UTC)}
    ],
    groups=[{"id": "G-1", "displayName": "Sales", "assignedLicenses": [E5], "hasMembersWithLicenseErrors": True,
             "licenseProcessingState": "ProcessingInProgress"}],
    members=[{"groupId": "G-1", "userId": "u01", "transitive": False}],
)  # fmt: skip
Tables = dict[str, pa.Table]


def audit(folder: Path, tables: Tables, manifest: Mapping[str, Any] | None = None, **options: Any) -> Ran:
    """Write tables with options of PyArrow's writer, and audit them."""
    folder.mkdir(exist_ok=True)
    (folder / "policy.yaml").write_text(POLICIES)
    write(folder / "snapshots", tables, manifest or TENANT.manifest(), TENANT.name, **options)
    return call("audit", "policy.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, "-q", "-f", "json=-", cwd=folder)


def fingerprints(result: Ran) -> list[str]:
    """Return the fingerprints of the findings."""
    assert result.code == 1, result.err
    return [finding["fingerprint"] for finding in json.loads(result.out)["tenants"][0]["findings"]]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    result = audit(tmp_path_factory.mktemp("plain"), TENANT.tables())
    assert {finding["policy"] for finding in json.loads(result.out)["tenants"][0]["findings"]} == {
        "denied", "via", "quiet", "spare", "ending", "sales", "groups",
    }  # fmt: skip
    return fingerprints(result)


def with_type(old: pa.DataType, new: pa.DataType) -> Tables:
    """Return the tables with all columns of type `old` converted to type `new`."""
    return {
        name: table.cast(
            pa.schema([pa.field(field.name, new if field.type == old else field.type) for field in table.schema])
        )
        for name, table in TENANT.tables().items()
    }


def with_untyped_nulls() -> Tables:
    """Return the tables with columns of nulls without a type, as some writers write them."""
    return {
        name: pa.table(
            {
                field.name: pa.nulls(table.num_rows)
                if table.num_rows and table[field.name].null_count == table.num_rows
                else table[field.name]
                for field in table.schema
            }
        )
        for name, table in TENANT.tables().items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(lambda: with_type(TEXT, pa.large_string()), id="large text, as Polars writes it"),
        pytest.param(lambda: with_type(TEXT, pa.string_view()), id="views of text"),
        pytest.param(lambda: with_type(TEXT, pa.dictionary(pa.int32(), TEXT)), id="dictionaries everywhere"),
        pytest.param(lambda: with_type(TEXT, pa.dictionary(pa.int8(), pa.large_string())), id="small dictionaries"),
        pytest.param(lambda: with_type(TEXTS, pa.large_list(pa.large_string())), id="large lists"),
        pytest.param(lambda: with_type(INSTANT, pa.timestamp("ns", tz="UTC")), id="nanoseconds"),
        pytest.param(lambda: with_type(INSTANT, pa.timestamp("ms", tz="UTC")), id="milliseconds"),
        pytest.param(lambda: with_type(INSTANT, pa.timestamp("us", tz="Europe/Amsterdam")), id="another zone"),
        pytest.param(lambda: with_type(INSTANT, pa.timestamp("us")), id="no zone, which is UTC"),
        pytest.param(lambda: with_type(pa.int64(), pa.int32()), id="small numbers"),
        pytest.param(lambda: with_type(pa.int64(), pa.uint64()), id="numbers without sign"),
        pytest.param(with_untyped_nulls, id="columns of nulls without type"),
        pytest.param(
            lambda: {name: table.append_column("ours", pa.nulls(table.num_rows)) for name, table in TENANT.tables().items()},
            id="extra columns are ignored",
        ),
        pytest.param(
            lambda: {name: table.select(table.column_names[::-1]) for name, table in TENANT.tables().items()},
            id="columns in another order",
        ),
    ],
)  # fmt: skip
def test_parquet_types_of_other_writers_are_accepted(
    tables: Callable[[], Tables], expected: list[str], tmp_path: Path
) -> None:
    assert fingerprints(audit(tmp_path, tables())) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"compression": "zstd"}, {"compression": "none", "version": "1.0"}, {"use_dictionary": False},
     {"data_page_version": "2.0", "write_statistics": False}],
)  # fmt: skip
def test_any_compression_and_encoding_is_accepted(options: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    assert fingerprints(audit(tmp_path, TENANT.tables(), **options)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [(0, 5, 12), (0, 1, 11, 12), tuple(range(13))])
def test_row_groups_of_assignments_correspond_to_those_of_users(
    bounds: tuple[int, ...], expected: list[str], tmp_path: Path
) -> None:
    tables = TENANT.tables()
    folder = write(tmp_path / "first", tables, TENANT.manifest(), TENANT.name)
    owners = tables["assignments"]["user"].to_pylist()
    with (
        pq.ParquetWriter(folder / "users.parquet", tables["users"].schema) as users,
        pq.ParquetWriter(folder / "assignments.parquet", tables["assignments"].schema) as links,
    ):
        for first, end in itertools.pairwise(bounds):
            users.write_table(tables["users"].slice(first, end - first))
            indices = [number for number, owner in enumerate(owners) if first <= owner < end]
            links.write_table(
                tables["assignments"].take(pa.array(indices, pa.int64())), row_group_size=len(indices) or 1
            )
    if pq.read_metadata(folder / "assignments.parquet").num_row_groups != len(bounds) - 1:
        pytest.skip("this PyArrow writes no empty row group")
    reseal(folder)
    (tmp_path / "policy.yaml").write_text(POLICIES)
    result = call("audit", "policy.yaml", "--snapshot", "first", "--as-of", AS_OF, "-q", "-f", "json=-", cwd=tmp_path)
    assert fingerprints(result) == expected


def reseal(folder: Path) -> None:
    """Update the manifest for files that have changed."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["digest"]
    for name in manifest["files"]:
        body = (folder / name).read_bytes()
        rows = pq.read_metadata(folder / name).num_rows
        manifest["files"][name] = {"rows": rows, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    seal(folder, manifest)


def refusal(result: Ran) -> str:
    """Return the error output of an audit that refused a snapshot."""
    assert (result.code, result.out) == (2, b"")
    assert "Traceback" not in result.err
    assert "bug" not in result.err
    return result.err


@pytest.mark.parametrize(
    ("old", "new"),
    [(TEXT, pa.binary()), (pa.bool_(), pa.int8()), (INSTANT, pa.int64())],
)  # fmt: skip
def test_column_of_another_type_is_an_error(old: pa.DataType, new: pa.DataType, tmp_path: Path) -> None:
    assert "has a column of another type: " in refusal(audit(tmp_path, with_type(old, new)))


def test_instants_finer_than_microseconds_are_an_error(tmp_path: Path) -> None:
    tables = TENANT.tables()
    fine = pa.array([1_500_000_000_000_000_001] * 12, pa.timestamp("ns", tz="UTC"))
    index = tables["users"].schema.get_field_index("createdDateTime")
    tables["users"] = tables["users"].set_column(index, "createdDateTime", fine)
    assert "users.parquet has a column of another type" in refusal(audit(tmp_path, tables))


@pytest.mark.parametrize("column", ["department", "mailboxType"])
def test_missing_requested_column_is_an_error(column: str, tmp_path: Path) -> None:
    tables = TENANT.tables()
    tables["users"] = tables["users"].drop_columns([column])
    assert f"users.parquet lacks the column {column}" in refusal(audit(tmp_path, tables))


def test_missing_unrequested_columns_are_accepted(expected: list[str], tmp_path: Path) -> None:
    tables, manifest = TENANT.tables(), TENANT.manifest()
    tables["users"] = tables["users"].drop_columns(["jobTitle", "mailboxType", "notCollected", "extensionAttribute7"])
    manifest["sources"] = [
        {**source, "status": "not-needed" if source["name"] == "mailboxes" else source["status"],
         "asked": [name for name in source["asked"] if name != "jobTitle"]}
        for source in manifest["sources"]
    ]  # fmt: skip
    assert fingerprints(audit(tmp_path, tables, manifest)) == expected


def test_missing_sign_in_columns_are_an_error(tmp_path: Path) -> None:
    tables = TENANT.tables()
    stamps = [name for name in tables["users"].column_names if name.startswith("last")]
    tables["users"] = tables["users"].drop_columns(stamps)
    assert "users.parquet lacks the column lastSignInDateTime" in refusal(audit(tmp_path, tables))


@pytest.mark.parametrize("part", ["tenant", "tool"])
def test_invalid_manifest_part_is_named(part: str, tmp_path: Path) -> None:
    result = audit(tmp_path, TENANT.tables(), {**TENANT.manifest(), part: None})
    assert f"'{part}' must be an object, not None" in refusal(result)


def test_files_with_different_columns_are_opened_alternately(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    for names in (["id", "department"], ["id"], ["id", "city", "department"], ["id", "city"], ["id", "city"]):
        pq.write_table(pa.table({name: ["one", "two", "one"] for name in names}), path)
        for content in (None, path.read_bytes()):
            schema = opened(path, codes=True, content=content).schema_arrow
            dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type)]
            assert (schema.names, sorted(dictionaries)) == (names, names[1:])
