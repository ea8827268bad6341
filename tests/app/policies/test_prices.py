"""`auditor prices import`: price sheets and tables become prices.yaml, unless a row is invalid."""

from pathlib import Path

import pytest

from auditor.policy.loader import load
from tests.builders.service.command_line import AS_OF, Ran, call

HEADER = (
    "ChangeIndicator,ProductTitle,ProductId,SkuId,SkuTitle,Publisher,SkuDescription,UnitOfMeasure,TermDuration,BillingPlan,"
    "Market,Currency,UnitPrice,PricingTierRangeMin,PricingTierRangeMax,EffectiveStartDate,EffectiveEndDate,Tags,ERP Price,Segment"
)
TABLE = "skuPartNumber,price,currency\n"


def sheet(title: str = "Microsoft 365 E5", price: str = "660.00", **cells: str) -> str:
    row = {
        "TermDuration": "P1Y", "BillingPlan": "Annual", "Market": "NL", "Currency": "EUR", "UnitPrice": "500",
        "PricingTierRangeMin": "1", "EffectiveStartDate": "2025-01-01T00:00:00", "EffectiveEndDate": "9999-12-31T00:00:00",
        "Segment": "Commercial", "ProductTitle": title, "SkuTitle": title, "ERP Price": price, "SkuId": "0001", **cells,
    }  # fmt: skip
    return ",".join(row.get(name, "") for name in HEADER.split(","))


def import_prices(tmp_path: Path, text: str | bytes, *options: str) -> Ran:
    source = tmp_path / "list.csv"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    return call("prices", "import", "list.csv", *options, cwd=tmp_path, SOURCE_DATE_EPOCH="1795176000")


def prices(tmp_path: Path) -> dict[str, list[tuple[str, str]]]:
    path = tmp_path / "policies" / "prices.yaml"
    price_list = load([(str(path), path.read_bytes())]).policies.prices
    assert price_list is not None
    return {
        name: [(str(price.amount), price.starts.isoformat()) for price in dated_prices]
        for name, dated_prices in price_list.per_seat_per_month.items()
    }


NO_START_DATE = "0001-01-01"


def test_import_of_a_table_of_part_numbers(tmp_path: Path) -> None:
    completed = import_prices(
        tmp_path, "\ufeffskuPartNumber;price;currency;from\nspe_e5;54.75;EUR;\nSPE_E3;40;EUR;2027-01-01\nOWN_1;1;EUR;\n"
    )
    assert completed.code == 0, completed.err
    assert prices(tmp_path) == {
        "spe_e5": [("54.75", NO_START_DATE)],
        "spe_e3": [("40", "2027-01-01")],
        "own_1": [("1", NO_START_DATE)],
    }
    assert "OWN_1" in completed.err


def test_dash_writes_the_prices_to_stdout(tmp_path: Path) -> None:
    completed = import_prices(tmp_path, TABLE + "SPE_E5,54.75,EUR\nOWN_1,1,EUR\n", "--output", "-")
    assert completed.code == 0
    price_list = load([("-", completed.out)]).policies.prices
    assert price_list is not None
    assert set(price_list.per_seat_per_month) == {"spe_e5", "own_1"}
    assert "OWN_1" in completed.err
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_import_of_a_price_sheet_matches_titles_and_divides_by_month(tmp_path: Path) -> None:
    rows = [
        sheet(),
        sheet("Microsoft 365 E3", "432", EffectiveEndDate="2026-12-31T00:00:00"),
        sheet("Microsoft 365 E3", "468", EffectiveStartDate="2027-01-01T00:00:00"),
        sheet("A product that nobody knows"),
        sheet(TermDuration="P1M", BillingPlan="Monthly", **{"ERP Price": "66"}),
        sheet(Segment="Education", **{"ERP Price": "12"}),
        sheet("Power BI Pro", "120", EffectiveEndDate="2026-01-01T00:00:00"),
    ]
    completed = import_prices(tmp_path, "\n".join([HEADER, *rows]))
    assert completed.code == 0, completed.err
    assert prices(tmp_path) == {
        "spe_e5": [("55", NO_START_DATE)],
        "spe_e3": [("36", NO_START_DATE), ("39", "2027-01-01")],
    }
    for phrase in ("A product that nobody knows", "segment Education", "termduration P1M", "Power BI Pro"):
        assert phrase in completed.err


def test_partner_cost_and_term_options(tmp_path: Path) -> None:
    rows = [sheet(), sheet(TermDuration="P1M", BillingPlan="Monthly", UnitPrice="60.5")]
    completed = import_prices(tmp_path, "\n".join([HEADER, *rows]), "--partner-cost", "--term", "P1M")
    assert completed.code == 0, completed.err
    assert prices(tmp_path) == {"spe_e5": [("60.5", NO_START_DATE)]}


def test_ambiguous_rows_of_one_product_are_not_imported(tmp_path: Path) -> None:
    completed = import_prices(tmp_path, "\n".join([HEADER, sheet(), sheet("Microsoft 365 E5", "700")]))
    assert (completed.code, "SPE_E5" in completed.text) == (2, False)
    assert "prices-none" in completed.err
    assert not (tmp_path / "policies").exists()


@pytest.mark.slow
def test_reasons_for_skipped_rows_are_in_the_language_of_the_reader(tmp_path: Path) -> None:
    ended = sheet("Microsoft 365 E3", EffectiveEndDate="2025-12-31T00:00:00")
    completed = import_prices(tmp_path, f"{HEADER}\n{sheet()}\n{ended}", "--locale", "nl")
    assert completed.code == 0, completed.err
    assert "een prijs die is afgelopen: Microsoft 365 E3" in completed.err


@pytest.mark.parametrize(
    ("text", "location"),
    [
        (TABLE + "SPE_E5,1,EUR\nSPE_E3,-1,EUR", "list.csv:3"),
        (TABLE + 'SPE_E5,"35,70",EUR', "list.csv:2"),
        (TABLE + "SPE_E5,1e9,EUR", "list.csv:2"),
        (TABLE + "SPE_E5,nan,EUR", "list.csv:2"),
        (TABLE + "=cmd(),1,EUR", "list.csv:2"),
        (TABLE + "SPE_E5,1,EUR\nSPE_E5,2,EUR", "list.csv:3"),
        (TABLE + "SPE_E5,1,EUR\nSPE_E3,2,USD", "list.csv:3"),
        (TABLE + "SPE_E5,1,euro", "list.csv:2"),
        (TABLE + '"a: {b",1,EUR', "list.csv:2"),
        (TABLE + "SPE\x07E5,1,EUR", "list.csv:2"),
        (TABLE + "SPE_E5,1", "list.csv:2"),
        (TABLE + 'SPE_E5,1,EUR\n"SPE_E3,2,EUR', "list.csv:3"),
        ("product,cost\nSPE_E5,1", "list.csv:1"),
        (b"PK\x03\x04\xff\xfe", "list.csv:1"),
        ("skuPartNumber,price,currency,from\nSPE_E5,1,EUR,2027-02-30", "list.csv:2"),
    ],
)
def test_invalid_row_is_an_error_and_nothing_is_written(tmp_path: Path, text: str | bytes, location: str) -> None:
    completed = import_prices(tmp_path, text)
    assert completed.code == 2
    assert location in completed.err
    assert not (tmp_path / "policies").exists()


def test_output_file_with_other_content_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    path = tmp_path / "policies" / "prices.yaml"
    path.write_text("version: 1\nwaivers: []\n", encoding="utf-8")
    completed = import_prices(tmp_path, TABLE + "SPE_E5,1,EUR\n")
    assert (completed.code, "prices-not-alone" in completed.err) == (2, True)
    assert path.read_text(encoding="utf-8") == "version: 1\nwaivers: []\n"
    assert import_prices(tmp_path, TABLE + "SPE_E5,1,EUR\n", "--output", "other.yaml").code == 0
    assert import_prices(tmp_path, TABLE + "SPE_E5,2,EUR\n", "--output", "other.yaml").code == 0
    assert 'SPE_E5": 2' in (tmp_path / "other.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_audit_uses_imported_prices(tmp_path: Path) -> None:
    assert import_prices(tmp_path, TABLE + "SPE_E5,54.75,EUR\n").code == 0
    policy = "version: 1\npolicies: [{id: b, severity: low, budget: {limit: 1}}]\n"
    (tmp_path / "policies" / "budget.yaml").write_text(policy, encoding="utf-8")
    completed = call(
        "audit", "policies", "--demo", "--as-of", AS_OF, "-f", "terminal", "--fail-on", "never", cwd=tmp_path
    )
    assert completed.code in {0, 3}, completed.err
    assert "EUR" in completed.text or "€" in completed.text
