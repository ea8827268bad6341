"""Looking things up, and comparing two states."""

import pytest

from auditor.catalogue import FreeProduct
from auditor.catalogue.changes import Changes, compare
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
OWN = TABLE.with_free(FREE)


def test_an_unknown_sku_is_none_and_never_a_guess() -> None:
    assert OWN.product("00000000-0000-0000-0000-000000000000") is None
    assert OWN.by_part_number("SPE_E") == ()
    assert OWN.plan("AAD_PREMIUM_P2") == ()


@pytest.mark.parametrize("name", ["SPE_E3", "spe_e3", E3, E3.upper()])
def test_a_part_number_or_sku_id_is_known_in_any_letter_case(name: str) -> None:
    assert OWN.knows(name)


@pytest.mark.parametrize("name", ["SPE_E9", "", "Microsoft 365 E3", "AAD_PREMIUM", EXCHANGE, "SPE_E3 ", "SPE_E3\u200b"])
def test_neither_a_display_name_nor_a_plan_nor_a_name_with_blanks_is_a_product(name: str) -> None:
    assert not OWN.knows(name)


def test_the_free_list_names_part_numbers_and_their_sku_ids() -> None:
    assert OWN.free == {"flow_free", FLOW, "not_listed"}
    assert OWN.knows("NOT_LISTED")
    assert [p.part_number for p in OWN.products.values() if OWN.is_free(p)] == ["FLOW_FREE"]
    assert TABLE.free == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["FLOW_FREE", "SPE_E3", "SPE_F1"]),
        ("microsoft 365", ["SPE_E3", "SPE_F1"]),
        ("365  MICROSOFT e3", ["SPE_E3"]),
        (F3.upper(), ["SPE_F1"]),
        ("aad_premium", ["SPE_E3", "SPE_F1"]),
        (EXCHANGE, ["SPE_E3"]),
        ("aad_prem", []),
        ("e3 nothing", []),
    ],
)
def test_search_wants_every_word_or_a_whole_plan(text: str, found: list[str]) -> None:
    assert [product.part_number for product in OWN.search(text)] == found


def test_a_catalogue_can_be_a_key() -> None:
    assert {OWN: 1}[parse(csv_text(ROWS), source="table.csv", date="2026-07-29").with_free(FREE)] == 1


def test_what_came_went_was_renamed_or_holds_other_plans_is_reported() -> None:
    renamed = ("Microsoft 365 F3 (new)", *F3_ENTRA[1:])
    after = parse(csv_text([E3_ENTRA, renamed, ("X", "NEW", EXCHANGE, *E3_ENTRA[3:])]), source="b", date="2026-08-01")
    changes = compare(OWN, after)
    assert [p.part_number for p in changes.added] == ["NEW"]
    assert [p.part_number for p in changes.removed] == ["FLOW_FREE"]
    assert [(a.name, b.name) for a, b in changes.renamed] == [("Microsoft 365 F3", "Microsoft 365 F3 (new)")]
    assert [(len(a.plans), len(b.plans)) for a, b in changes.replanned] == [(2, 1)]
    assert changes


def test_equal_products_are_no_change_whatever_source_and_date() -> None:
    other = parse(csv_text([FLOW_FILLER, F3_ENTRA, E3_EXCHANGE, E3_ENTRA]), source="c", date="2027-01-01")
    assert compare(OWN, other) == Changes(added=(), removed=(), renamed=(), replanned=())
    assert not compare(OWN, other)
