"""Translation of the English titles of saved actions: equal to the titles that are made in the language."""

from decimal import Decimal
from itertools import product

import pytest

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.product_names import one_of
from auditor.localization import Localization, localization
from auditor.remedy import messages
from auditor.remedy.currency import money_label
from auditor.remedy.messages import ENGLISH
from auditor.remedy.title_translation import translated_title
from auditor.remedy.titles import MAILBOX, action_title

TITLE_FIELDS = {"old": "Microsoft 365 E3 (x)", "extra": "LIC {old} to – 5 people"}


@pytest.mark.parametrize("kind", ActionKind)
def test_translated_title_equals_the_title_made_in_the_language(kind: ActionKind) -> None:
    nl = localization("nl")
    for count, groups, article, new, extra, (answered, declined) in product(
        (1, 2, 40, 1_234_567),
        (1, 2, 30),
        ("", MAILBOX),
        ("", "Microsoft 365 F3"),
        (TITLE_FIELDS["extra"], ""),
        ((False, False), (True, False), (True, True)),
    ):
        fields = {
            **TITLE_FIELDS,
            "new": new,
            "extra": extra,
            "groups": groups,
            "article": article,
            "answered": answered,
            "declined": declined,
        }
        english, dutch = (action_title(l10n, kind, count, **fields) for l10n in (ENGLISH, nl))  # type: ignore[arg-type]
        assert translated_title(english, kind, nl) == dutch
        reason = "Review the licence of a guest"
        translated = translated_title(messages.about(ENGLISH, english, reason), kind, nl)
        assert translated == messages.about(nl, dutch, reason)


@pytest.mark.parametrize(
    ("language", "number"), [("en", "1,087"), ("nl", "1.087"), ("sv", "1\u00a0087"), ("da", "1.087")]
)
def test_titles_group_the_digits_of_numbers_as_reports_do(language: str, number: str) -> None:
    l10n = localization(language)
    assert l10n.number(1087) == number
    title = action_title(l10n, ActionKind.REMOVE_NOW, 1087, old="Microsoft 365 E3")
    assert number in title
    assert number in messages.seats_lacking(l10n, 1087, "Microsoft 365 E3")
    assert translated_title("Remove 1087 seats of Microsoft 365 E3", "remove-seats", l10n) == title  # a saved plan


def test_title_without_a_matching_template_is_unchanged() -> None:
    nl = localization("nl")
    assert translated_title("Do {count} things", "unassign", nl) == "Do {count} things"
    assert translated_title("Unassign a from 2 people", "kind-of-a-later-version", nl) == "Unassign a from 2 people"


@pytest.mark.parametrize("language", ["nl", "da", "sv", "tr", "de"])
@pytest.mark.parametrize("currency", ["EUR", "USD", "CHF", "SEK", "JPY"])
@pytest.mark.parametrize("products", [2, 3, 4])
def test_amounts_and_product_lists_in_titles_are_translated(language: str, currency: str, products: int) -> None:
    l10n, english = localization(language), localization("en")

    def titles(target: Localization) -> list[str]:
        amount = money_label(Decimal("1200.50"), currency, target)
        names = one_of(target, ["Microsoft 365 E3", "Microsoft 365 E5", "Office 365 E1", "Office 365 E3"][:products])
        return [
            action_title(target, ActionKind.BUDGET, 1, extra=amount),
            action_title(target, ActionKind.ASSIGN, 3, new=names),
        ]

    saved = zip(titles(english), (ActionKind.BUDGET, ActionKind.ASSIGN), strict=True)
    assert [translated_title(title, kind, l10n) for title, kind in saved] == titles(l10n)
