"""Parsing of Microsoft's CSV of products: its irregularities, and rejected files."""

import os
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.catalogue import Catalogue, builtin, dumps
from auditor.catalogue.microsoft import parse
from auditor.domain.errors import AuditorError, InputError
from tests.builders.document.microsoft_csv import (
    E3,
    E3_ENTRA,
    E3_EXCHANGE,
    ENTRA,
    EXCHANGE,
    F3_ENTRA,
    FILLER,
    HEADER,
    ROWS,
    Row,
    csv_text,
)


def read(content: str | bytes) -> Catalogue:
    return parse(content, source="table.csv", date="2026-07-29")


def parse_error(content: str | bytes) -> AuditorError:
    with pytest.raises(AuditorError) as caught:
        read(content)
    return caught.value


def row_with(row: Row, **cells: str) -> Row:
    names = ("name", "part", "sku", "plan", "plan_id", "friendly")
    name, part, sku, plan, plan_id, friendly = (cells.get(key, cell) for key, cell in zip(names, row, strict=True))
    return name, part, sku, plan, plan_id, friendly


PLAIN = read(csv_text(ROWS))


def test_rows_become_products_with_plans_sorted_by_name() -> None:
    product = PLAIN.product(E3)
    assert product is not None
    assert (product.part_number, product.name) == ("SPE_E3", "Microsoft 365 E3")
    assert [(plan.name, plan.id, plan.friendly_name) for plan in product.plans] == [
        ("AAD_PREMIUM", ENTRA, "Microsoft Entra ID P1"),
        ("EXCHANGE_S_ENTERPRISE", EXCHANGE, "Exchange Online (Plan 2)"),
    ]
    assert (PLAIN.source, PLAIN.date, len(PLAIN.products)) == ("table.csv", "2026-07-29", 3)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(csv_text(ROWS).encode(), id="bytes"),
        pytest.param(csv_text(ROWS).encode("utf-8-sig"), id="byte order mark"),
        pytest.param("\ufeff" + csv_text(ROWS), id="byte order mark in a text"),
        pytest.param(csv_text(ROWS, line_end="\r\n"), id="CRLF"),
        pytest.param(csv_text(ROWS).rstrip("\n"), id="no last line break"),
        pytest.param(csv_text(ROWS).replace("\n", "\n\n") + ",,,,,\n", id="blank lines"),
        pytest.param(csv_text(ROWS + ROWS), id="every row twice"),
        pytest.param(
            csv_text(row[::-1] for row in ROWS).replace(",".join(HEADER), ",".join(HEADER[::-1])), id="columns"
        ),
        pytest.param(csv_text(([*row, ""] for row in ROWS), header=[*HEADER, ""]), id="an empty column more"),
        pytest.param(csv_text([(*row, "") for row in ROWS]), id="a comma too many"),
        pytest.param(csv_text(tuple(f"  {cell}\u00a0\t " for cell in row) for row in ROWS), id="padding everywhere"),
        pytest.param(csv_text(ROWS, header=[f" {name.lower()}\u00a0" for name in HEADER]), id="padded header"),
        pytest.param(
            csv_text(row_with(row, sku=row[2].upper(), plan_id=row[4].upper()) for row in ROWS), id="upper-case GUIDs"
        ),
        pytest.param(
            csv_text(row_with(row, sku=f"{row[2]}\u00a0", plan_id=f"\u200b{row[4]}") for row in ROWS),
            id="NBSP and zero width",
        ),
    ],
)
def test_encodings_line_ends_padding_and_column_order_make_no_difference(content: str | bytes) -> None:
    assert read(content) == PLAIN


def test_white_space_inside_a_name_becomes_one_blank() -> None:
    catalogue = read(
        csv_text([row_with(E3_ENTRA, part="O365_w/o\u00a0Teams\u00a0Bundle_M3", plan="Rights \tfor \tWindows")])
    )
    assert catalogue.products[E3].part_number == "O365_w/o Teams Bundle_M3"
    assert catalogue.products[E3].plans[0].name == "Rights for Windows"
    assert catalogue.by_part_number("o365_W/O\u00a0Teams Bundle_M3") == (catalogue.products[E3],)


def test_quoted_comma_and_en_dash_are_kept() -> None:
    name = "Dynamics 365 Field Service, Enterprise Edition \u2013 Routing"
    assert read(csv_text([row_with(E3_ENTRA, name=name)])).products[E3].name == name


def test_sku_with_two_names_uses_that_with_more_plans_and_the_other_as_alias() -> None:
    old_rows = [row_with(row, name="Power Virtual Agents") for row in (E3_ENTRA,)]
    new_rows = [row_with(row, name="Microsoft Copilot Studio") for row in (E3_ENTRA, E3_EXCHANGE)]
    for rows in (old_rows + new_rows, new_rows + old_rows):
        catalogue = read(csv_text(rows))
        product = catalogue.products[E3]
        assert (product.name, product.aliases) == ("Microsoft Copilot Studio", ("Power Virtual Agents",))
        assert catalogue.search("virtual agents") == (product,)
        assert len(product.plans) == 2


def test_sku_with_two_names_and_equal_plans_uses_the_first_by_code_point() -> None:
    rows = [row_with(E3_ENTRA, name=name) for name in ("Power Virtual Agents", "Microsoft Copilot Studio")]
    assert read(csv_text(rows)).products[E3].name == "Microsoft Copilot Studio"


def test_part_number_with_two_skus_keeps_both() -> None:
    first, second = "54a152dc-90de-4996-93d2-bc47e670fc06", "d43177b5-475b-4880-92d4-d54c27b5efbd"
    catalogue = read(csv_text(row_with(F3_ENTRA, part="MCOPSTN5", sku=sku) for sku in (second, first)))
    assert [product.sku_id for product in catalogue.by_part_number("mcopstn5")] == [first, second]


def test_misprinted_plan_name_is_replaced_by_the_most_frequent_one() -> None:
    rows = [row_with(row, plan="RMS_S_ENTERPRISE", plan_id=FILLER) for row in (E3_ENTRA, F3_ENTRA)]
    rows.append(row_with(F3_ENTRA, sku=EXCHANGE, part="OTHER", plan="RMS_S_ENTERPRISE)", plan_id=FILLER))
    catalogue = read(csv_text(rows))
    assert {plan.name for plan in catalogue.plans.values()} == {"RMS_S_ENTERPRISE"}
    assert catalogue.plan("RMS_S_ENTERPRISE)") == ()


def test_only_name_of_a_plan_is_kept_unchanged() -> None:
    assert read(csv_text([row_with(E3_ENTRA, plan="RMS_S_ENTERPRISE)")])).plan("rms_s_enterprise)")[0].id == ENTRA


def test_plan_name_with_two_ids_finds_both() -> None:
    rows = [row_with(E3_ENTRA, plan="PROJECT_ESSENTIALS"), row_with(E3_EXCHANGE, plan="PROJECT_ESSENTIALS")]
    assert [plan.id for plan in read(csv_text(rows)).plan("Project_Essentials")] == [ENTRA, EXCHANGE]


@pytest.mark.parametrize(
    ("friendly_names", "expected"),
    [
        (["Exchange Foundation", "Exchange Foundation", "Exchange (foundation)"], "Exchange Foundation"),
        (["EXCHANGE FOUNDATION", "EXCHANGE FOUNDATION", "Exchange Foundation"], "Exchange Foundation"),
        (["EXCHANGE FOUNDATION", "EXCHANGE_S_FOUNDATION"], "EXCHANGE FOUNDATION"),
        (["Beta", "Alpha"], "Alpha"),
    ],
)
def test_choice_of_friendly_name_is_independent_of_row_order(friendly_names: list[str], expected: str) -> None:
    rows = [
        row_with(F3_ENTRA, sku=f"{i:08d}-0000-0000-0000-000000000000", part=f"P{i}", friendly=name)
        for i, name in enumerate(friendly_names)
    ]
    for ordered in (rows, rows[::-1]):
        assert read(csv_text(ordered)).plan(ENTRA)[0].friendly_name == expected


def test_plan_without_a_friendly_name_uses_its_name() -> None:
    assert read(csv_text([row_with(E3_ENTRA, friendly="NULL")])).plan(ENTRA)[0].friendly_name == "AAD_PREMIUM"


@pytest.mark.parametrize("cell", ["", "NULL"])
def test_product_without_plans_is_kept(cell: str) -> None:
    assert read(csv_text([row_with(E3_ENTRA, plan=cell, plan_id=cell, friendly=cell)])).products[E3].plans == ()


EXCEL = csv_text([row_with(E3_ENTRA, name="Field Service \u2013 Routing")])


@pytest.mark.parametrize(
    ("content", "slug", "message"),
    [
        pytest.param(b"", "products-format", "is empty", id="empty"),
        pytest.param("\ufeff \r\n\n", "products-format", "is empty", id="blank"),
        pytest.param(csv_text([]), "products-format", "no products", id="header only"),
        pytest.param("<!DOCTYPE html><html>", "products-format", "HTML", id="HTML"),
        pytest.param(b"\xef\xbb\xbf\n <html>", "products-format", "HTML", id="HTML behind a mark"),
        pytest.param(b"PK\x03\x04\x14\x00", "products-format", "workbook", id="workbook"),
        pytest.param(EXCEL.encode("cp1252"), "products-encoding", "byte 0x96 on line 2", id="cp1252"),
        pytest.param(EXCEL.encode("utf-16"), "products-encoding", "UTF-16", id="UTF-16"),
        pytest.param(csv_text(ROWS).encode("utf-16-le"), "products-encoding", "NUL", id="UTF-16 without mark"),
        pytest.param(csv_text(ROWS) + "a\0b", "products-encoding", "NUL byte on line 6", id="NUL"),
        pytest.param(csv_text(ROWS).replace(",", ";"), "products-format", "separated by ';'", id="semicolons"),
        pytest.param(csv_text(ROWS).replace(",", "\t"), "products-format", "separated by tabs", id="tabs"),
        pytest.param("a,GUID\n1,2\n", "products-format", "no column Product_Display_Name, String_Id, Service_Plan_Name", id="columns"),
        pytest.param(csv_text(ROWS, header=[*HEADER, "guid"]), "products-format", "GUID appears twice", id="column twice"),
        pytest.param(csv_text(ROWS) + '"open,SPE', "products-format", "not a CSV record", id="open quote"),
        pytest.param(csv_text(ROWS) + "a,b,c\n", "products-cell", "the row has 3 cells, but the header has 6", id="short row"),
        pytest.param(csv_text([(*E3_ENTRA, "x")]), "products-cell", "the row has 7 cells", id="long row"),
        pytest.param(csv_text([row_with(E3_ENTRA, sku=E3[:-1])]), "products-cell", "GUID of SPE_E3 is not", id="short GUID"),
        pytest.param(csv_text([row_with(E3_ENTRA, sku="")]), "products-cell", "GUID of SPE_E3 is not", id="no GUID"),
        pytest.param(csv_text([row_with(E3_ENTRA, plan_id="41781fb2-bc02")]), "products-cell", "Service_Plan_Id of AAD_PREMIUM", id="plan GUID"),
        pytest.param(csv_text([row_with(E3_ENTRA, plan_id="")]), "products-cell", "Service_Plan_Id is empty", id="no plan GUID"),
        pytest.param(csv_text([row_with(E3_ENTRA, plan="")]), "products-cell", "Service_Plan_Name is empty", id="no plan name"),
        pytest.param(csv_text([row_with(E3_ENTRA, part=" ")]), "products-cell", "String_Id is empty", id="no part number"),
        pytest.param(csv_text([row_with(E3_ENTRA, name="\u200b")]), "products-cell", "Product_Display_Name is empty", id="no name"),
        pytest.param(csv_text([row_with(E3_ENTRA, name="a\x1b[31mb")]), "products-cell", "control character", id="escape sequence"),
    ],
)  # fmt: skip
def test_invalid_file_or_cell_is_an_error_with_a_hint(content: str | bytes, slug: str, message: str) -> None:
    error = parse_error(content)
    assert error.slug == slug
    assert message in error.message
    assert error.hint


def test_invalid_cell_is_reported_with_line_and_column() -> None:
    error = parse_error(csv_text([E3_ENTRA, row_with(E3_EXCHANGE, plan_id="{bad}")]))
    assert error.span is not None
    assert (error.span.file, error.span.line) == ("table.csv", 3)
    assert error.span.text[error.span.column - 1 :].startswith("{bad}")


def test_line_number_counts_line_breaks_inside_quotes() -> None:
    error = parse_error(csv_text([row_with(E3_ENTRA, name="two\nlines"), row_with(E3_EXCHANGE, plan_id="bad")]))
    assert error.span is not None
    assert error.span.line == 4


def test_invalid_cells_are_reported_up_to_a_limit_and_the_others_counted() -> None:
    error = parse_error(csv_text([row_with(E3_ENTRA, sku=f"bad{i}") for i in range(25)]))
    assert isinstance(error, InputError)
    assert len(error.diagnostics) == 21
    assert "more errors in table.csv: 5" in error.diagnostics[-1].message


CELLS = st.sampled_from(["Alpha", "ALPHA", "alpha", "Beta", " Beta\u00a0", "gamma"])
IDS = st.sampled_from([E3, E3.upper(), EXCHANGE, ENTRA, f"{FILLER}\u00a0"])
MESSY_ROWS = st.lists(st.tuples(CELLS, CELLS, IDS, CELLS, IDS, CELLS), min_size=1, max_size=12)


@pytest.mark.slow
@given(rows=MESSY_ROWS, data=st.data())
def test_row_order_and_repeated_rows_do_not_change_the_output(rows: list[Row], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations([*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=4))]))
    assert dumps(read(csv_text(mixed))) == dumps(read(csv_text(rows)))


@pytest.mark.slow
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text(max_size=99).map(csv_text(ROWS).__add__))
)
def test_any_content_gives_products_or_an_error_with_a_hint(content: str | bytes) -> None:
    try:
        answer = str(len(read(content).products))
    except AuditorError as error:
        answer = error.hint or ""
    assert answer not in {"", "0"}


def microsoft_table() -> Path | None:
    folders = [Path(os.environ.get("AUDITOR_SHARED", "."), "data"), Path(__file__).parents[3] / "shared" / "data"]
    return next((path for folder in folders if (path := folder / "product-names.csv").is_file()), None)


@pytest.mark.slow
@pytest.mark.skipif(microsoft_table() is None, reason="Microsoft's table is not available")
def test_builtin_catalogue_equals_microsofts_table() -> None:
    path = microsoft_table()
    assert path is not None
    catalogue = builtin()
    packaged = files("auditor.catalogue").joinpath("products.json").read_text(encoding="utf-8")
    assert dumps(parse(path.read_bytes(), source=catalogue.source, date=catalogue.date)) == packaged
