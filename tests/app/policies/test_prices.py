"""`auditor prices import`: price sheets and tables into a file of prices, and nothing where a row is damaged."""

from pathlib import Path

import pytest

from auditor.policy.loader import load
from tests.builders.service.command_line import AS_OF, Ran, call

HEADER = (
    "ChangeIndicator,ProductTitle,ProductId,SkuId,SkuTitle,Publisher,SkuDescription,UnitOfMeasure,TermDuration,BillingPlan,"
    "Market,Currency,UnitPrice,PricingTierRangeMin,PricingTierRangeMax,EffectiveStartDate,EffectiveEndDate,Tags,ERP Price,Segment"
)
TABLE = "skuPartNumber,price,currency\n"


def sheet(title: str = "Microsoft 365 E5", price: str = "660.00", **facts: str) -> str:
    row = {
        "TermDuration": "P1Y", "BillingPlan": "Annual", "Market": "NL", "Currency": "EUR", "UnitPrice": "500",
        "PricingTierRangeMin": "1", "EffectiveStartDate": "2025-01-01T00:00:00", "EffectiveEndDate": "9999-12-31T00:00:00",
        "Segment": "Commercial", "ProductTitle": title, "SkuTitle": title, "ERP Price": price, "SkuId": "0001", **facts,
    }  # fmt: skip
    return ",".join(row.get(name, "") for name in HEADER.split(","))


def imported(tmp_path: Path, text: str | bytes, *options: str) -> Ran:
    source = tmp_path / "list.csv"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    return call("prices", "import", "list.csv", *options, cwd=tmp_path, SOURCE_DATE_EPOCH="1795176000")


def prices(tmp_path: Path) -> dict[str, list[tuple[str, str]]]:
    path = tmp_path / "policies" / "prices.yaml"
    listed = load([(str(path), path.read_bytes())]).policies.prices
    assert listed is not None
    return {
        name: [(str(price.amount), price.starts.isoformat()) for price in dated]
        for name, dated in listed.per_seat_per_month.items()
    }


ALWAYS = "0001-01-01"


def test_a_table_of_part_numbers(tmp_path: Path) -> None:
    ran = imported(
        tmp_path, "\ufeffskuPartNumber;price;currency;from\nspe_e5;54.75;EUR;\nSPE_E3;40;EUR;2027-01-01\nOWN_1;1;EUR;\n"
    )
    assert ran.code == 0, ran.err
    assert prices(tmp_path) == {
        "spe_e5": [("54.75", ALWAYS)],
        "spe_e3": [("40", "2027-01-01")],
        "own_1": [("1", ALWAYS)],
    }
    assert "OWN_1" in ran.text


def test_a_price_sheet_is_read_by_title_and_per_month(tmp_path: Path) -> None:
    rows = [
        sheet(),
        sheet("Microsoft 365 E3", "432", EffectiveEndDate="2026-12-31T00:00:00"),
        sheet("Microsoft 365 E3", "468", EffectiveStartDate="2027-01-01T00:00:00"),
        sheet("A product that nobody knows"),
        sheet(TermDuration="P1M", BillingPlan="Monthly", **{"ERP Price": "66"}),
        sheet(Segment="Education", **{"ERP Price": "12"}),
        sheet("Power BI Pro", "120", EffectiveEndDate="2026-01-01T00:00:00"),
    ]
    ran = imported(tmp_path, "\n".join([HEADER, *rows]))
    assert ran.code == 0, ran.err
    assert prices(tmp_path) == {
        "spe_e5": [("55", ALWAYS)],
        "spe_e3": [("36", ALWAYS), ("39", "2027-01-01")],
    }
    for phrase in ("A product that nobody knows", "segment Education", "termduration P1M", "Power BI Pro"):
        assert phrase in ran.text


def test_the_partners_cost_and_another_term(tmp_path: Path) -> None:
    rows = [sheet(), sheet(TermDuration="P1M", BillingPlan="Monthly", UnitPrice="60.5")]
    ran = imported(tmp_path, "\n".join([HEADER, *rows]), "--partner-cost", "--term", "P1M")
    assert ran.code == 0, ran.err
    assert prices(tmp_path) == {"spe_e5": [("60.5", ALWAYS)]}


def test_a_title_of_several_products_is_named_and_not_guessed(tmp_path: Path) -> None:
    ran = imported(tmp_path, "\n".join([HEADER, sheet(), sheet("Microsoft 365 E5", "700")]))
    assert (ran.code, "SPE_E5" in ran.text) == (2, False)
    assert "prices-none" in ran.err
    assert not (tmp_path / "policies").exists()


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
def test_a_damaged_row_is_named_and_nothing_is_written(tmp_path: Path, text: str | bytes, location: str) -> None:
    ran = imported(tmp_path, text)
    assert ran.code == 2
    assert location in ran.err
    assert not (tmp_path / "policies").exists()


def test_a_file_with_policies_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    mine = tmp_path / "policies" / "prices.yaml"
    mine.write_text("version: 1\nwaivers: []\n", encoding="utf-8")
    ran = imported(tmp_path, TABLE + "SPE_E5,1,EUR\n")
    assert (ran.code, "prices-not-alone" in ran.err) == (2, True)
    assert mine.read_text(encoding="utf-8") == "version: 1\nwaivers: []\n"
    assert imported(tmp_path, TABLE + "SPE_E5,1,EUR\n", "--output", "other.yaml").code == 0
    assert imported(tmp_path, TABLE + "SPE_E5,2,EUR\n", "--output", "other.yaml").code == 0
    assert 'SPE_E5": 2' in (tmp_path / "other.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_audit_counts_with_imported_prices(tmp_path: Path) -> None:
    assert imported(tmp_path, TABLE + "SPE_E5,54.75,EUR\n").code == 0
    policy = "version: 1\npolicies: [{id: b, severity: low, budget: {limit: 1}}]\n"
    (tmp_path / "policies" / "budget.yaml").write_text(policy, encoding="utf-8")
    ran = call("audit", "policies", "--demo", "--as-of", AS_OF, "-f", "terminal", "--fail-on", "never", cwd=tmp_path)
    assert ran.code in {0, 3}, ran.err
    assert "EUR" in ran.text or "€" in ran.text
