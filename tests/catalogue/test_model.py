"""Catalogue look-ups, search, and comparison of two catalogues."""

import pytest

from auditor.catalogue import FreeProduct
from auditor.catalogue.changes import CatalogueChanges, compare
from auditor.catalogue.microsoft import parse
from tests.builders.document.microsoft_csv import (
    E3,
    E3_ENTRA,
    E3_EXCHANGE,
    EXCHANGE,
    F3,
    F3_ENTRA,
    FLOW,
    FLOW_FILLER,
    ROWS,
    csv_text,
)

FREE = (
    FreeProduct(part_number="flow_Free", reason="It says so."),
    FreeProduct(part_number="NOT_LISTED", reason="Old."),
)
TABLE = parse(csv_text(ROWS), source="table.csv", date="2026-07-29")
CATALOGUE = TABLE.with_free(FREE)


def test_lookup_of_unknown_names_finds_nothing() -> None:
    assert CATALOGUE.product("00000000-0000-0000-0000-000000000000") is None
    assert CATALOGUE.by_part_number("SPE_E") == ()
    assert CATALOGUE.plan("AAD_PREMIUM_P2") == ()


@pytest.mark.parametrize("name", ["SPE_E3", "spe_e3", E3, E3.upper()])
def test_part_numbers_and_sku_ids_are_known_in_any_letter_case(name: str) -> None:
    assert CATALOGUE.knows(name)


@pytest.mark.parametrize("name", ["SPE_E9", "", "Microsoft 365 E3", "AAD_PREMIUM", EXCHANGE, "SPE_E3 ", "SPE_E3\u200b"])
def test_display_names_plans_and_names_with_blanks_are_not_known_as_products(name: str) -> None:
    assert not CATALOGUE.knows(name)


def test_free_list_contains_part_numbers_and_sku_ids() -> None:
    assert CATALOGUE.free == {"flow_free", FLOW, "not_listed"}
    assert CATALOGUE.knows("NOT_LISTED")
    assert [product.part_number for product in CATALOGUE.products.values() if CATALOGUE.is_free(product)] == [
        "FLOW_FREE"
    ]
    assert TABLE.free == frozenset()


def test_current_name_replaces_that_of_the_table_which_the_search_still_finds() -> None:
    renamed = TABLE.with_names({"spe_e3": "Microsoft 365 Everything", "NOT_LISTED": "Old"})
    assert [(product.name, product.aliases) for product in renamed.by_part_number("SPE_E3")] == [
        ("Microsoft 365 Everything", ("Microsoft 365 E3",))
    ]
    assert renamed.search("everything") == renamed.search("365 E3")
    assert renamed.with_names({"SPE_E3": "Microsoft 365 Everything"}).products == renamed.products


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["FLOW_FREE", "SPE_E3", "SPE_F1"]),
        ("microsoft 365", ["SPE_E3", "SPE_F1"]),
        ("365  MICROSOFT e3", ["SPE_E3"]),
        (F3.upper(), ["SPE_F1"]),
        ("aad_premium", ["SPE_E3", "SPE_F1"]),
        (EXCHANGE, ["SPE_E3"]),
        ("aad_prem", []),
        (F3[:8], ["SPE_F1"]),
        (F3[:3], []),
        ("e3 nothing", []),
    ],
)
def test_search_requires_every_word_a_part_of_an_id_or_a_complete_plan_name(text: str, expected: list[str]) -> None:
    assert [product.part_number for product in CATALOGUE.search(text)] == expected


def test_catalogue_is_hashable() -> None:
    assert {CATALOGUE: 1}[parse(csv_text(ROWS), source="table.csv", date="2026-07-29").with_free(FREE)] == 1


def test_compare_reports_added_removed_renamed_and_replanned_products() -> None:
    renamed = ("Microsoft 365 F3 (new)", *F3_ENTRA[1:])
    after = parse(csv_text([E3_ENTRA, renamed, ("X", "NEW", EXCHANGE, *E3_ENTRA[3:])]), source="b", date="2026-08-01")
    changes = compare(CATALOGUE, after)
    assert [product.part_number for product in changes.added] == ["NEW"]
    assert [product.part_number for product in changes.removed] == ["FLOW_FREE"]
    assert [(old.name, new.name) for old, new in changes.renamed] == [("Microsoft 365 F3", "Microsoft 365 F3 (new)")]
    assert [(len(old.plans), len(new.plans)) for old, new in changes.replanned] == [(2, 1)]
    assert changes


def test_compare_ignores_source_and_date() -> None:
    other = parse(csv_text([FLOW_FILLER, F3_ENTRA, E3_EXCHANGE, E3_ENTRA]), source="c", date="2027-01-01")
    assert compare(CATALOGUE, other) == CatalogueChanges(added=(), removed=(), renamed=(), replanned=())
    assert not compare(CATALOGUE, other)
