"""Products and product sets with similar names: display names, misspellings, short names."""

from difflib import SequenceMatcher

import pytest

from auditor.catalogue import Product, builtin, fold, nearest_name, suggest

SETS = ["visio", "project", "enterprise-suites", "paid", "free"]


def part_numbers(text: str) -> list[str]:
    return [product.part_number for product in suggest(builtin(), text).products]


@pytest.mark.parametrize(
    ("text", "part_number"),
    [
        ("Microsoft 365 F3", "SPE_F1"),
        ("microsoft  365 f3", "SPE_F1"),
        ("Office 365 E3", "ENTERPRISEPACK"),
        ("Visio Plan 2", "VISIOCLIENT"),
        ("Power BI Pro", "POWER_BI_PRO"),
        ("ENTERPRISPACK", "ENTERPRISEPACK"),
        ("SPE_E55", "SPE_E5"),
        ("Microsfot 365 E5", "SPE_E5"),
        ("M365_E3", "SPE_E3"),
        ("o365-e1", "STANDARDPACK"),
        ("M365_F1", "M365_F1"),
        ("Microsoft 365 E33", "SPE_E3"),
        ("M365 E33", "SPE_E3"),
        ("Microsoft365E3", "SPE_E3"),
        ("Office 365 E 3", "ENTERPRISEPACK"),
        ("Power BI-Pro", "POWER_BI_PRO"),
    ],
)
def test_intended_product_is_first_and_certain(text: str, part_number: str) -> None:
    resemblance = suggest(builtin(), text)
    assert (resemblance.products[0].part_number, resemblance.certain) == (part_number, True)


def test_short_names_list_worldwide_commercial_products_first() -> None:
    assert part_numbers("E3")[:2] == ["ENTERPRISEPACK", "SPE_E3"]
    assert part_numbers("F3")[:2] == ["DESKLESSPACK", "SPE_F1"]
    assert not suggest(builtin(), "E3").certain


@pytest.mark.slow
def test_misspelt_word_of_a_name_is_sufficient() -> None:
    assert part_numbers("visoo")[0] == "VISIOCLIENT"
    assert not suggest(builtin(), "visoo").matching


@pytest.mark.slow
def test_dissimilar_text_finds_nothing() -> None:
    assert part_numbers("xyzzy") == []
    assert part_numbers("x" * 100_000) == []
    assert len(part_numbers("")) == len(builtin().products)


def test_product_sets_with_misspelt_names_are_found() -> None:
    assert nearest_name("visoo", SETS) == "visio"
    assert nearest_name("Paidd", SETS) == "paid"
    assert nearest_name("ENTERPRISPACK", SETS) is None


@pytest.mark.parametrize(
    "text", ["Microsoft 365 Entreprise 0 plan", "Dinamics Sales Proffesional", "EXCHANGE_ENTREPRISE"]
)
def test_similar_products_are_the_most_similar_ones_of_the_catalogue(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few of the names that share letters with the text are compared completely, which is slow."""

    def score(product: Product) -> float:
        words = (word for word in product.words if len(word) >= 4 and " " not in text)
        names = (*map(fold, (product.part_number, product.name, *product.aliases)), *words)
        return max(round(SequenceMatcher(None, name, fold(text)).ratio(), 2) for name in names)

    scores = sorted(map(score, builtin().products.values()), reverse=True)
    compared = 0
    complete = SequenceMatcher.ratio

    def counted(matcher: SequenceMatcher[str]) -> float:
        nonlocal compared
        compared += 1
        return complete(matcher)

    monkeypatch.setattr(SequenceMatcher, "ratio", counted)
    products = suggest(builtin(), text).products
    assert compared < 100
    assert list(map(score, products)) == scores[: len(products)]
