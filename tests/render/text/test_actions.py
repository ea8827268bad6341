"""What actions free, save or cost a month, and the titles of their policies, in words."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.money import Money
from auditor.localization import localization
from auditor.remedy.english import ENGLISH
from auditor.render.text.actions import amounts_text, policies_line, seat_texts
from auditor.render.text.labels import Labels
from tests.builders.result.results import compared


@pytest.mark.parametrize(
    ("freed", "assigned", "amount", "elsewhere", "texts"),
    [
        (1, 0, 28, 0, ["will free 1 seat worth €28.00 a month"]),
        (3, 0, 28, 0, ["will free 3 seats worth €28.00 a month in total"]),
        (3, 0, 28, 9, ["will free 3 seats worth €37.00 a month in total (€9.00 of it counted in other actions)"]),
        (3, 0, 0, 9, ["will free 3 seats worth €9.00 a month in total (counted in other actions)"]),
        (
            *(3, 0, 28, -9),
            ["will free 3 seats worth €28.00 a month in total", "cost counted in other actions: €9.00 a month"],
        ),
        (3, 1, 28, 0, ["will free 3 seats", "will assign 1 seat", "on balance worth €28.00 a month"]),
        (
            *(3, 1, 28, 9),
            [
                "will free 3 seats",
                "will assign 1 seat",
                "on balance worth €37.00 a month (€9.00 of it counted in other actions)",
            ],
        ),
        (
            *(1, 1, -7, 9),
            [
                "will free 1 seat",
                "will assign 1 seat",
                "cost: €7.00 a month",
                "saving counted in other actions: €9.00 a month",
            ],
        ),
        (1, 1, -7, 0, ["will free 1 seat", "will assign 1 seat", "cost: €7.00 a month"]),
        (0, 0, 28, 0, ["will free seats worth €28.00 a month"]),
        (0, 0, 0, 0, []),
    ],
)
def test_seats_and_their_price_are_named_once(
    freed: int, assigned: int, amount: int, elsewhere: int, texts: list[str]
) -> None:
    amounts, others = {"EUR": Decimal(amount)}, {"EUR": Decimal(elsewhere)}
    assert list(seat_texts(freed, assigned, amounts, others, ENGLISH, frees=True)) == texts


def test_seats_with_prices_in_two_currencies_are_one_phrase() -> None:
    amounts = {"EUR": Decimal(5), "USD": Decimal(7)}
    texts = list(seat_texts(2, 0, amounts, {}, ENGLISH, frees=True))
    assert texts == ["will free 2 seats worth €5.00 + US$7.00 a month in total"]


def test_amounts_that_depend_on_decisions_are_conditional() -> None:
    for amount, text in ((28, "possible saving: €28.00 a month"), (-7, "possible cost: €7.00 a month")):
        texts = list(seat_texts(0, 0, {"EUR": Decimal(amount)}, {}, ENGLISH, frees=False, undecided=True))
        assert texts == [text]


def test_sum_of_actions_leaves_out_questions_about_smaller_products() -> None:
    money = Money(currency="EUR", per_month=Decimal(28))
    actions = [
        replace(compared().tenants[0].actions[0], kind=kind, order=order, money=money, before=None, after=None)
        for kind, order in ((ActionKind.DOWNGRADE, "move"), (ActionKind.REMOVE_AT_RENEWAL, "remove"))
    ]
    assert amounts_text(actions, Labels("en")) == amounts_text(actions[1:], Labels("en")) == "saving: €28.00 a month"
    assert amounts_text(actions[:1], Labels("en")) == "saving: €28.00 a month"


def test_number_and_price_of_seats_are_one_phrase_in_other_languages() -> None:
    (text,) = seat_texts(3, 0, {"EUR": Decimal(28)}, {}, localization("de"), frees=True)
    assert text == "3 Lizenzen im Gesamtwert von 28,00\u00a0€ pro Monat werden frei"


@pytest.mark.parametrize(
    ("titles", "line"),
    [
        ((), ""),
        (("A", "A"), "Policy: A"),
        (("B", "A", "B"), "Policies: B; A"),
        (("A", "B", "C"), "Policies: A; B; C"),
        (("A", "B", "C", "D", "E"), "Policies: A; B; C; and 2 more"),
    ],
)
def test_first_titles_are_listed_once_and_the_others_are_counted(titles: tuple[str, ...], line: str) -> None:
    assert policies_line(titles, localization("en")) == line


def test_label_is_in_the_language_of_the_reader() -> None:
    assert policies_line(("A",), localization("nl")) == "Beleidsregel: A"
