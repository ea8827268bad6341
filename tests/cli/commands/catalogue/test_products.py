"""`auditor products` and `products update`: output, JSON, updates and errors."""

import argparse
import json
from pathlib import Path

import pytest

from auditor.catalogue import builtin
from auditor.catalogue.microsoft import ADDRESS
from auditor.cli.commands.catalogue import products
from auditor.domain.errors import AuditorError, UsageError
from tests.builders.document.microsoft_csv import E3_ENTRA, ROWS, csv_text
from tests.builders.service.command_line import Terminal


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.delenv("AUDITOR_PRODUCTS", raising=False)
    return tmp_path


@pytest.fixture
def table(home: Path) -> Path:
    path = home / "table.csv"
    path.write_text(csv_text(ROWS), encoding="utf-8")
    return path


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="auditor products")
    products.add_arguments(parser)
    return products.run(parser.parse_args(arguments))


def test_products_are_listed_as_tab_separated_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split("\t") == ["skuPartNumber", "name", "skuId", "servicePlans", "free"]
    assert len(lines) == len(builtin().products)
    assert {line.count("\t") for line in lines} == {4}
    e3 = next(line.split("\t") for line in lines if line.startswith("SPE_E3\t"))
    assert e3[1:3] == ["Microsoft 365 E3", "05e9a617-0261-4cee-bb44-138d3ef5d965"]
    assert (e3[3].isdecimal(), e3[4]) == (True, "no")


def test_words_are_searched_and_free_products_show_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("power", "AUTOMATE", "--free") == 0
    (header, line) = (row.split("\t") for row in capsys.readouterr().out.splitlines())
    assert header[-1] == "reason"
    assert line[0] == "FLOW_FREE"
    assert "free" in line[-1]


def test_no_match_is_reported_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("no\x1bsuch") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == []
    assert "no product matches" in err
    assert "\x1b" not in err


def test_json_contains_service_plans(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--json", "ccibots_privprev_viral") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["date"] == builtin().date
    by_part_number = {product["skuPartNumber"]: product for product in document["products"]}
    viral = by_part_number["CCIBOTS_PRIVPREV_VIRAL"]
    assert viral["free"] is True
    assert viral["aliases"] == ["Power Virtual Agents Viral Trial"]
    assert {"servicePlanId", "servicePlanName", "name"} == set(viral["servicePlans"][0])


def test_terminal_table_does_not_interpret_brackets_as_markup(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table.write_text(csv_text([("[bold]Odd[/bold]", *E3_ENTRA[1:])]), encoding="utf-8")
    command("update", str(table), "--date", "2099-01-01")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "160")
    assert command() == 0
    assert "[bold]Odd[/bold]" in screen.getvalue()
    assert "1 of 1 product; table.csv, 2099-01-01" in screen.getvalue()


def test_update_prints_one_line_per_change_and_the_output_path(
    table: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = home / "out.json"
    arguments = ("update", str(table), "--output", str(output), "--date", "2026-08-01")
    assert command(*arguments) == 0
    capsys.readouterr()
    added = ("New", "NEW", "00000000-0000-0000-0000-000000000001", *ROWS[0][3:])
    table.write_text(csv_text([("Renamed", *E3_ENTRA[1:]), ROWS[2], added]), encoding="utf-8")
    assert command(*arguments) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "added    NEW  New  00000000-0000-0000-0000-000000000001",
        "renamed  SPE_E3  Microsoft 365 E3 -> Renamed  05e9a617-0261-4cee-bb44-138d3ef5d965",
        "plans    SPE_E3  Renamed  05e9a617-0261-4cee-bb44-138d3ef5d965  -EXCHANGE_S_ENTERPRISE",
        "removed  FLOW_FREE  Microsoft Power Automate Free  f30db892-07e9-47e9-837c-80727f46fd3d",
    ]
    assert f"wrote {output}: 3 products, 2 service plans, of 2026-08-01" in err
    assert command(*arguments) == 0
    assert capsys.readouterr().out == "no product was added, renamed or removed\n"


def test_update_with_an_older_table_warns_that_it_is_not_used(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("update", str(table), "--date", "2020-01-01") == 0
    assert "newer and stays in use" in capsys.readouterr().err


def test_invalid_table_prints_nothing_and_writes_nothing(
    table: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_bytes(b"a;b\n")
    with pytest.raises(AuditorError):
        command("update", str(table))
    assert capsys.readouterr() == ("", "")
    assert not (home / "share").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["update"],
        ["update", "a.csv", "b.csv"],
        ["update", "a.csv", "--json"],
        ["update", "a.csv", "--free"],
        ["--output", "x.json"],
        ["teams", "--source", "x"],
        ["teams", "--date", "2026-01-01"],
    ],
)
def test_incompatible_options_are_usage_errors(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        command(*arguments)


def test_update_without_a_table_names_the_address_of_microsoft() -> None:
    with pytest.raises(UsageError) as caught:
        command("update")
    assert ADDRESS in str(caught.value.hint)


def test_invalid_date_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command("update", "a.csv", "--date", "31-12-2026")
    assert caught.value.code == 2
    assert "is not a date such as 2027-01-31" in capsys.readouterr().err
