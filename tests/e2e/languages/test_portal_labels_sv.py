"""Swedish: Microsoft's own labels where they are documented, and none of the wordings that were wrong."""

import re

import pytest

from tests.e2e.languages import portal
from tests.wording.reading import labels

LANGUAGE = "sv"

DOCUMENTED = {
    "Add": "Lägg till",
    "Add more licenses": "Lägg till fler licenser",
    "Apps": "Appar",
    "Assign more": "Tilldela fler",
    "Billing accounts": "Faktureringskonton",
    "Buy": "Köp",
    "Buy paid subscription now": "Köp betalt abonnemang nu",
    "Edit recurring billing": "Redigera återkommande fakturering",
    "Extend end date": "Förläng slutdatum",
    "Groups": "Grupper",
    "More actions": "Fler åtgärder",
    "Move users": "Flytta användare",
    "Org settings": "Organisationsinställningar",
    "Products & services": "Produkter och tjänster",
    "Reactivate": "Återaktivera",
    "Redeem": "Lös in",
    "Reprocess": "Bearbeta om",
    "Services": "Tjänster",
    "Settings": "Inställningar",
    "Shared mailboxes": "Delade postlådor",
    "Subscription status": "Prenumerationsstatus",
    "Subscriptions": "Prenumerationer",
    "Take control of this subscription": "Ta kontroll över den här prenumerationen",
    "Unassign": "Ta bort tilldelning",
    "Unassign licenses": "Ta bort tilldelning av licenser",
    "Use a new and unused product key": "Använd en ny och oanvänd produktnyckel",
}
"""Labels of which Microsoft's Swedish documentation has the words, by the English label."""

TRANSLATED = re.compile(r"”[^””]+” \(\*\*([^*]+)\*\*\)")
"""An English label in brackets behind its translation."""

WRONG = (
    r"(?i)\böverges\b",
    r"(?i)\bi fred\b",
    r"(?i)\bmejl",
    r"(?i)\b(?:brevet|veckobrev\w*|e-postbrev)\b",
    r"(?i)ses över igen",
    r"(?i)\bpausa(?:d|de|r)\b",
    r"(?i)sina policyer",
    r"^Pengar\b",
    r"(?i)iakttagelser och pengar",
    r"(?i)^Få tillbaka",
    r"(?i)ankare för",
    r"(?i)antalen stannar",
    r"(?i)\blediga platser(?:na)?\b",
    r"(?i)\banvändbara platser(?:na)?\b",
    r"(?i)\bantal(?:et)? platser\b",
    r"vilken av \{old\}",
    r"(?i)avbrytande",
    r"(?i)\bfynd",
    r"(?i)\bkopplad faktureringsklientorganisation",
    r"(?i)\bserviceplan",
    r"(?i)\bkvarhållning(?:ar|en)?\b",
    r"(?i)annorlunda uttryckt",
    r"^När$",
)
"""Wordings that were wrong or unlike Microsoft's."""


@pytest.mark.parametrize("english", sorted(DOCUMENTED))
def test_a_documented_label_has_the_words_of_microsoft(english: str) -> None:
    assert labels()[english][LANGUAGE] == DOCUMENTED[english]
    assert portal.terms()["sources"][LANGUAGE][english]


def test_labels_with_a_swedish_form_are_swedish() -> None:
    """A label that is not documented in Swedish stands in brackets behind its translation."""
    assert list(portal.english(LANGUAGE, ("”", "”"))) == []
    assert portal.unknown(LANGUAGE) == set()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wording_that_was_wrong_does_not_occur(wrong: str) -> None:
    assert [form for form in portal.texts(LANGUAGE) if re.search(wrong, form)] == []
