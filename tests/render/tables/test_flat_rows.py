"""Tests the flat table of CSV, Parquet and XLSX against the row-by-row reference in `naive.py`."""

from decimal import Decimal
from io import BytesIO
from itertools import chain
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from openpyxl import load_workbook  # type: ignore[import-untyped, unused-ignore]

from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.domain.result.model import FleetResult, Result
from auditor.findings.facts import SIGN_INS
from auditor.findings.table import FindingTable
from auditor.render.tables.bulk_escape import BulkEscaper
from auditor.render.tables.flat_rows import COLUMNS, RepeatedColumns, RowBatch, TextColumn, row_batches
from auditor.render.tables.xlsx_rows import plain
from auditor.render.text.sanitize import visible, without_surrogates
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.render.tables.naive import rows, table

NASTY = st.sampled_from(
    ["=1", " =1", "\u3000=x", "\u00a0+1", "\uff1d1", "\u22121", 'a"b', "a,b", "a\r\nb", "\n=1", "\t", "", "\x00", "\x1b[31m", "\u202ex",
     "x\u202e", "\u061c", "\ud800", "\ufeff", "\uffff", "'", "Çağla", "日本", "\U0001d538", "-", "@x", "x" * 5000, "a\u2028b", "é\x85", "~", "a~=1"]
)  # fmt: skip
TEXT = NASTY | st.text(max_size=5)
STAMP = st.sampled_from(
    ["2026-01-01T00:00:00Z", "2025-06-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-02", "", "0", " "]
)
PATH = st.fixed_dictionaries(
    {}, optional={"groupName": st.none() | TEXT, "assignedByGroup": st.none() | TEXT, "state": st.none() | st.sampled_from(["Active", "Error", True, 1]) | TEXT}
)  # fmt: skip
EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        "userPrincipalName": st.none() | TEXT | st.lists(TEXT, max_size=2),
        "accountEnabled": st.sampled_from([None, True, False, 0, 1, "no"]),
        "userType": st.none() | TEXT | st.sampled_from([True, 1]),
        "department": st.none() | TEXT | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2),
        "usageLocation": st.none() | TEXT,
        "lastSignInDateTime": st.none() | STAMP | st.just(5),
        "lastSuccessfulSignInDateTime": st.none() | STAMP,
        "paths": st.lists(PATH | st.just("direct"), max_size=2) | st.none() | PATH | TEXT,
        "spare": st.none() | st.integers(-9, 9) | st.booleans(),
        "adjust": st.sampled_from([None, 1, True, "1"]),
    },
)
USUAL: dict[str, Any] = {
    "userPrincipalName": "ann@contoso.example", "accountEnabled": True, "userType": "Member", "department": "Sales", "usageLocation": "NL",
    "createdDateTime": "2022-06-04T02:17:00Z", "lastSignInDateTime": "2026-01-01T00:00:00Z", "assignedLicenses": ["SPE_E3"],
    "paths": [{"assignedByGroup": None, "state": "Active", "error": "None", "groupName": None}],
}  # fmt: skip
"""Typical evidence of a finding about a user."""
ODD = st.sampled_from([None, 0, 1, True, False, 1.0, "", "0", [], {}, ["x", 1], {"x": None}, ()]) | TEXT
ODD_PATHS = st.lists(PATH | ODD, max_size=2) | PATH | st.builds(lambda path: [USUAL["paths"][0] | path], PATH)
NAMES = st.sampled_from([*USUAL, *SIGN_INS, "spare", "adjust", "mailboxType"])


def altered(changes: dict[str, Any], left_out: set[str]) -> dict[str, Any]:
    """Return the usual evidence with some keys changed, added or left out."""
    return {name: value for name, value in {**USUAL, **changes}.items() if name not in left_out}


ALMOST = st.builds(
    altered,
    st.dictionaries(NAMES, ODD | STAMP, max_size=2)
    | st.builds(lambda odd: {"paths": odd}, ODD_PATHS)
    | st.builds(lambda text: {"department": text, "userPrincipalName": text}, TEXT),
    st.sets(NAMES, max_size=2),
)
FINDING = st.builds(
    Finding,
    fingerprint=TEXT, policy=st.sampled_from(["leavers", "e3-spare", "gone"]), check=TEXT, guidance=TEXT,
    subject=st.builds(Subject, id=TEXT, name=TEXT), source=st.builds(SourceLine, file=TEXT, line=st.integers(0, 3)),
    waiver=st.none() | TEXT, detail=st.none() | TEXT, evidence=ALMOST | EVIDENCE,
    money=st.none() | st.builds(Money, currency=st.sampled_from(["EUR", "SEK"]), per_month=st.sampled_from([Decimal("1.005"), Decimal("28.1"), Decimal(5)])),
    product=st.none() | st.builds(ProductReference, sku_id=st.none() | st.sampled_from(["05e9a617-0261-4cee-bb44-138d3ef5d965"]) | TEXT, sku_part_number=st.none() | TEXT),
)  # fmt: skip


def holding(findings: list[Finding], fleet: list[Finding]) -> Result:
    """Return a result with the findings in the first tenant and in the fleet; the second tenant is unchanged."""
    sample = result()
    tenants = (replace(sample.tenants[0], findings=FindingTable.of(tuple(findings))), *sample.tenants[1:])
    return replace(sample, tenants=tenants, fleet=FleetResult(findings=FindingTable.of(tuple(fleet))))


def column(batch: RowBatch, name: str) -> list[object]:
    """Return the values of one column of a batch."""
    for part in batch.parts:
        if isinstance(part, RepeatedColumns) and name in part.columns:
            index = part.first + part.columns.index(name)
            return [part.values.rows[code][index] for code in part.codes.to_pylist()]
        if isinstance(part, TextColumn) and name == part.column:
            return list(part.texts.to_pylist())
    raise AssertionError(name)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(FINDING, max_size=6), st.lists(FINDING, max_size=2))
def test_csv_equals_the_output_of_the_standard_library(findings: list[Finding], fleet: list[Finding]) -> None:
    audit = holding(findings, fleet)
    assert rendered_bytes(audit, "csv").decode().splitlines(keepends=True) == table(audit).decode().splitlines(
        keepends=True
    )


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(ALMOST, TEXT, TEXT), min_size=1, max_size=6), st.lists(ALMOST, max_size=2), st.randoms())
def test_repeated_findings_in_any_order_give_the_reference_rows(
    people: list[tuple[dict[str, Any], str, str]], others: list[dict[str, Any]], dice: Random
) -> None:
    first = result().tenants[0].findings[0]
    findings = [
        replace(
            first, evidence=evidence, fingerprint=fingerprint, subject=replace(first.subject, id=fingerprint, name=name)
        )
        for evidence, name, fingerprint in people
    ]
    audit = holding(
        [*findings, *dice.sample(findings, len(findings))], [replace(first, evidence=evidence) for evidence in others]
    )
    second = replace(audit.tenants[1], findings=FindingTable.of(audit.tenants[0].findings[::-1]))
    audit = replace(audit, tenants=(audit.tenants[0], second))
    assert rendered_bytes(audit, "csv").decode().splitlines(keepends=True) == table(audit).decode().splitlines(
        keepends=True
    )
    assert read(audit, 5) == expected_rows(audit)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(FINDING, max_size=6), st.lists(FINDING, max_size=2))
def test_parquet_has_the_cells_of_the_reference(findings: list[Finding], fleet: list[Finding]) -> None:
    audit = holding(findings, fleet)
    arrow_table = pq.read_table(BytesIO(rendered_bytes(audit, "parquet")))
    assert arrow_table.num_rows == len(findings) + len(fleet)
    numbers = {field.name for field in arrow_table.schema if not pa.types.is_string(field.type)}
    assert numbers >= {"sourceLine", "perMonth", "adjust", "spare"}
    for cells, row in zip(rows(audit), arrow_table.to_pylist(), strict=True):
        for cell, (name, value) in zip(cells, list(row.items())[2:], strict=True):
            if name in numbers:
                assert value == (None if isinstance(cell, str) else cell)
            else:
                assert value == (None if cell in (None, "") else visible(str(cell), keep="\t\r\n"))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.lists(FINDING, max_size=6), st.lists(FINDING, max_size=2))
def test_xlsx_has_the_cells_of_the_reference(findings: list[Finding], fleet: list[Finding]) -> None:
    audit = holding(findings, fleet)
    sheet = load_workbook(BytesIO(rendered_bytes(audit, "xlsx")))["Findings"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2, max_row=1 + len(findings) + len(fleet))]
    assert cells == [
        [
            float(value) if isinstance(value, Decimal) else plain(value) or None if isinstance(value, str) else value
            for value in row
        ]
        for row in rows(audit)
    ]


def result_with(*evidence: dict[str, Any]) -> Result:
    """Return a result with one finding for each evidence."""
    first = result().tenants[0].findings[0]
    return holding([replace(first, evidence=item) for item in evidence], [])


def read(of: Result, rows_at_once: int) -> list[tuple[object, ...]]:
    """Return the rows of the table, with empty cells as empty texts."""
    columns: list[list[object]] = [[] for _ in COLUMNS]
    for batch in row_batches(of, rows_at_once):
        assert batch.count <= rows_at_once
        for cells, name in zip(columns, COLUMNS, strict=True):
            cells.extend(column(batch, name))
    return [tuple(map(normalised, row)) for row in zip(*columns, strict=True)]


def normalised(cell: object) -> object:
    """Return a cell as every format gets it: None as an empty text, lone surrogates escaped."""
    return "" if cell is None else without_surrogates(cell) if isinstance(cell, str) else cell


def expected_rows(of: Result) -> list[tuple[object, ...]]:
    """Return the rows of the reference."""
    return [tuple(map(normalised, row)) for row in rows(of)]


def assert_rows_of(audit: Result, *batch_sizes: int) -> None:
    """Assert that the table has the rows of the reference for every batch size."""
    expected = expected_rows(audit)
    for rows_at_once in batch_sizes or (1, 2, 10):
        assert read(audit, rows_at_once) == expected


ALIKE: list[tuple[Any, Any]] = [(True, 1), (False, 0), (1, 1.0)]


@pytest.mark.parametrize("alike", ALIKE, ids=str)
@pytest.mark.parametrize("name", ["accountEnabled", "userType", "department", "usageLocation"])
def test_equal_facts_of_different_types_are_distinguished(name: str, alike: tuple[object, object]) -> None:
    first, second = ({name: value} for value in alike)
    assert_rows_of(result_with(first, second, first))
    assert_rows_of(result_with(second, first, second))


@pytest.mark.parametrize("alike", ALIKE, ids=str)
@pytest.mark.parametrize("name", ["groupName", "assignedByGroup", "state"])
def test_equal_path_values_of_different_types_are_distinguished(name: str, alike: tuple[object, object]) -> None:
    first, second = (
        {"paths": [{"groupName": "g", "assignedByGroup": None, "state": None, name: value}]} for value in alike
    )
    assert_rows_of(result_with(first, second, first))
    assert_rows_of(result_with(second, first, second))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*USUAL, "groupName", "assignedByGroup", "state"])
def test_unusual_fact_among_usual_ones_is_written_unchanged(name: str) -> None:
    odd: list[dict[str, Any]] = [
        USUAL | ({name: value} if name in USUAL else {"paths": [USUAL["paths"][0] | {name: value}]})
        for value in (True, 1, 1.0, False, 0, None, "", [], ["x"], "x,y", "=1")
    ]
    # The second occurrence may be served from a cache.
    audit = result_with(USUAL, *odd, {key: value for key, value in USUAL.items() if key != name}, *odd[::-1], USUAL)
    assert rendered_bytes(audit, "csv") == table(audit)
    assert read(audit, 5) == expected_rows(audit)


DIRECT = {"assignedByGroup": None, "state": "Active", "groupName": None}


@pytest.mark.parametrize(
    "odd",
    [[], None, "g", "groupName", {"state": "Error"}, ({"state": "Error"},), [{"state": "Error"}], ["g"], [None], [DIRECT, {}], [["g"]], [{}]],
    ids=str,
)  # fmt: skip
def test_unusual_paths_among_usual_ones_are_written_unchanged(odd: Any) -> None:
    usual = {"paths": [DIRECT]}
    assert_rows_of(result_with(usual, {"paths": odd}, usual))
    assert_rows_of(result_with({"paths": odd}, {}, usual))


SIGN_IN, SUCCESSFUL = "lastSignInDateTime", "lastSuccessfulSignInDateTime"


@pytest.mark.parametrize(
    "evidence",
    [
        ({SIGN_IN: "2026-01-02"}, {SIGN_IN: "2026-01-01"}),
        ({SIGN_IN: "2026-01-02"}, {}, {SIGN_IN: None}, {SIGN_IN: ""}),
        ({SIGN_IN: "2026-01-02", SUCCESSFUL: "2026-01-03"}, {SIGN_IN: "2026-01-02", SUCCESSFUL: "2026-01-01"}),
        ({SIGN_IN: "2026-01-02", SUCCESSFUL: None}, {SUCCESSFUL: "2026-01-01"}, {}),
        ({SIGN_IN: None, SUCCESSFUL: None}, {SIGN_IN: None}),
        ({SIGN_IN: "0001-01-01T00:00:00Z"}, {SIGN_IN: "2026-01-02"}),
        ({SIGN_IN: 20260102}, {SIGN_IN: "2026-01-02"}),
    ],
    ids=str,
)
def test_last_of_several_sign_ins_is_written(evidence: tuple[dict[str, Any], ...]) -> None:
    audit = result_with(*evidence)
    assert read(audit, 10) == expected_rows(audit)


def test_path_with_values_of_wrong_types_is_written() -> None:
    first = result().tenants[0].findings[0]
    audit = holding([replace(first, evidence={"paths": [{"groupName": ["a", 1], "state": {}}]})], [])
    assert rendered_bytes(audit, "csv") == table(audit)
    assert b"['a', 1]" in rendered_bytes(audit, "csv")


@pytest.mark.slow
def test_every_text_of_a_long_column_is_escaped() -> None:
    assert_csv_of(("a", "~", "=1", "x,y", "", "a~=b", "Ö", "a\u202eb", "-", "it's", 'say "x"', "x ,=") * 400)


@pytest.mark.parametrize(
    "names",
    [
        ("Özlem", "Zoë", "Ann", "Y\u0131lmaz", "日本", "\U0001d538"),
        ("Özlem", "", "Zoë~", "~", "Ann"),
        ("Özlem", "Zoë", "Smit, Ann", "=Ö"),
        ("Özlem", "half \ud800", "~"),
        ("~Ann", "Ann~Smit", "a~=b"),
    ],
)
def test_non_ascii_names_stay_in_their_rows(names: tuple[str, ...]) -> None:
    assert_csv_of(names)


def assert_csv_of(names: tuple[str, ...]) -> None:
    first = result().tenants[0].findings[0]
    audit = holding([replace(first, subject=replace(first.subject, name=name)) for name in names], [])
    assert rendered_bytes(audit, "csv") == table(audit)


@pytest.mark.slow
def test_table_does_not_depend_on_the_batch_size() -> None:
    assert_rows_of(result(), 1, 7, 50, 10_000)


def test_parts_of_a_batch_have_all_columns_in_order() -> None:
    (*_, last) = row_batches(result())
    parts = [(part.column,) if isinstance(part, TextColumn) else part.columns for part in last.parts]
    assert tuple(chain.from_iterable(parts)) == COLUMNS


def test_parts_of_a_split_batch_equal_the_batch() -> None:
    batch = next(row_batches(result()))
    first, others = batch.split(10)
    assert others is not None
    assert (first.count, others.count) == (10, batch.count - 10)
    assert batch.split(batch.count) == (batch, None)
    for name in COLUMNS:
        assert column(batch, name) == [*column(first, name), *column(others, name)]


def test_texts_of_a_split_column_are_escaped_at_their_own_positions() -> None:
    texts = pa.array(["ab", "b", "ab", "b"]).slice(1)
    assert BulkEscaper(str.upper, anywhere=b"a").escaped(texts).to_pylist() == ["b", "AB", "b"]
