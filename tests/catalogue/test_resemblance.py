"""Products found by what people write: display names, misspellings, short names."""

import pytest

from auditor.catalogue import builtin, nearest_name, resembling

SETS = ["visio", "project", "enterprise-suites", "paid", "free"]


def parts(text: str) -> list[str]:
    return [product.part_number for product in resembling(builtin(), text).products]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Microsoft 365 F3", "SPE_F1"),
        ("microsoft  365 f3", "SPE_F1"),
        ("Office 365 E3", "ENTERPRISEPACK"),
        ("Visio Plan 2", "VISIOCLIENT"),
        ("Power BI Pro", "POWER_BI_PRO"),
        ("ENTERPRISPACK", "ENTERPRISEPACK"),
        ("SPE_E55", "SPE_E5"),
        ("Microsfot 365 E5", "SPE_E5"),
    ],
)
def test_the_product_that_is_meant_stands_first_and_is_certain(text: str, part: str) -> None:
    found = resembling(builtin(), text)
    assert (found.products[0].part_number, found.certain) == (part, True)


def test_short_names_give_the_worldwide_commercial_products_first() -> None:
    assert parts("E3")[:2] == ["ENTERPRISEPACK", "SPE_E3"]
    assert parts("F3")[:2] == ["DESKLESSPACK", "SPE_F1"]
    assert not resembling(builtin(), "E3").certain


def test_a_misspelt_word_of_a_name_is_enough() -> None:
    assert parts("visoo")[0] == "VISIOCLIENT"
    assert not resembling(builtin(), "visoo").matching


def test_what_is_like_nothing_finds_nothing() -> None:
    assert parts("xyzzy") == []
    assert parts("x" * 100_000) == []
    assert len(parts("")) == len(builtin().products)


def test_sets_by_misspelt_names() -> None:
    assert nearest_name("visoo", SETS) == "visio"
    assert nearest_name("Paidd", SETS) == "paid"
    assert nearest_name("ENTERPRISPACK", SETS) is None
