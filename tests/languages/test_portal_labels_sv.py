"""Swedish: Microsoft's own labels where they are documented, and none of the wordings that were wrong."""

import re

import pytest

from tests.languages.extract import DOMAINS
from tests.languages.reading import BOLD, entries, labels

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

NAMES = frozenset({"Change user license", "Marketplace", "Microsoft Entra ID Group-Based Licensing"})
"""What stands in logs or as a name and is the same in every language."""

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


def _said() -> list[str]:
    return [form for domain in DOMAINS for entry in entries(LANGUAGE, domain) for form in entry.said]


@pytest.mark.parametrize("english", sorted(DOCUMENTED))
def test_a_documented_label_has_the_words_of_microsoft(english: str) -> None:
    assert labels()[english][LANGUAGE] == DOCUMENTED[english]


def test_no_label_with_a_swedish_form_stands_in_english() -> None:
    known = {english for english, forms in labels().items() if forms.get(LANGUAGE, english) != english}
    known |= {english for english, form in DOCUMENTED.items() if form != english}
    assert [(label, form) for form in _said() for label in BOLD.findall(form) if label in known] == []


def test_a_label_without_a_swedish_form_is_explained() -> None:
    """An administrator whose portal is Swedish reads what the English label in brackets means."""
    known = {forms[LANGUAGE] for forms in labels().values() if LANGUAGE in forms} | NAMES
    bare = [
        (label, form) for form in _said() for label in set(BOLD.findall(form)) - known - set(TRANSLATED.findall(form))
    ]
    assert bare == []


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wording_that_was_wrong_does_not_occur(wrong: str) -> None:
    assert [form for form in _said() if re.search(wrong, form)] == []
