"""Danish: Microsoft's own labels where they are documented, and none of the wordings that were wrong."""

import re

import pytest

from tests.e2e.languages import portal
from tests.wording.reading import labels

LANGUAGE = "da"

DOCUMENTED = {
    "Add": "Tilføj",
    "Add more licenses": "Tilføj flere licenser",
    "Add/Remove licenses": "Tilføj/fjern licenser",
    "Apps": "Apps",
    "Billing accounts": "Faktureringskonti",
    "Buy": "Køb",
    "Buy paid subscription now": "Køb betalt abonnement nu",
    "Contracts": "Kontrakter",
    "Details": "Detaljer",
    "Edit product licenses": "Rediger produktlicenser",
    "Edit recurring billing": "Rediger tilbagevendende fakturering",
    "Extend end date": "Forlæng slutdato",
    "Groups": "Grupper",
    "More actions": "Flere handlinger",
    "More options (...)": "Flere indstillinger (...)",
    "Move users": "Flyt brugere",
    "Off": "Fra",
    "On": "Til",
    "Org settings": "Organisationsindstillinger",
    "Products & services": "Produkter og tjenester",
    "Reactivate": "Genaktiver",
    "Redeem": "Indløs",
    "Replace existing product license assignments": "Erstat eksisterende produktlicenstildelinger",
    "Replace existing products": "Erstat eksisterende produkter",
    "Services": "Tjenester",
    "Settings": "Indstillinger",
    "Shared mailboxes": "Delte postkasser",
    "Subscription status": "Abonnementsstatus",
    "Subscriptions": "Abonnementer",
    "Take control of this subscription": "Tag kontrol over dette abonnement",
    "Unassign": "Fjern tildeling",
    "Unassign licenses": "Fjern tildeling af licenser",
    "Usage location": "Brugsplacering",
    "Use a new and unused product key": "Brug en ny og ubrugt produktnøgle",
    "Volume licensing": "Volumenlicens",
}
"""Labels of which Microsoft's Danish documentation has the words, by the English label."""

TRANSLATED = re.compile(r"»[^»«]+« \(\*\*([^*]+)\*\*\)")
"""An English label in brackets behind its translation."""

WRONG = (
    r"(?i)\btilføjelsesprogram",
    r"(?i)(?:arkiv|E5-|F5-|Premium-)tilføjelse",
    r"(?i)holland",
    r"(?i)efterses",
    r"\{count\} mislykkedes",
    r"en anden licens fra samme gruppe mislykkedes",
    r"(?i)seneste login",
    r"(?i)persondata",
    r"(?i)\bledige pladser\b",
    r"(?i)\banvendelige pladser\b",
    r"(?i)\bantal pladser\b",
    r"^Penge\b",
    r"(?i)fund og penge",
    r"(?i)medlem(?:mer|merne|met)? i fejl\b",
    r"(?i)(?:går|gå|er|var) i fejl\b",
    r"(?i)(?:abonnementet på \{old\} tilbage|^Få et abonnement)",
    r"(?i)ankeret for",
    r"(?i)fortalt anderledes",
    r"(?i)være i fred",
    r"(?i)abonnement(?:et)? (?:er )?suspenderet|suspenderet abonnement|\{seats\} suspenderet",
    r"(?i)\bsnapshot(?:tet)?\b(?!-)(?<!--snapshot)",
    r"(?i)auditten",
    r"(?i)lokale mappe\b",
    r"hvilket af \{old\}",
    r"(?i)\bserviceplan",
    r"(?i)brugbare licenspladser",
    r"^Hvornår$",
)
"""Wordings that were wrong or unlike Microsoft's."""


@pytest.mark.parametrize("english", sorted(DOCUMENTED))
def test_a_documented_label_has_the_words_of_microsoft(english: str) -> None:
    assert labels()[english][LANGUAGE] == DOCUMENTED[english]
    assert portal.terms()["sources"][LANGUAGE][english]


def test_labels_with_a_danish_form_are_danish() -> None:
    """A label that is not documented in Danish stands in brackets behind its translation."""
    assert list(portal.english(LANGUAGE, ("»", "«"))) == []
    assert portal.unknown(LANGUAGE) == set()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wording_that_was_wrong_does_not_occur(wrong: str) -> None:
    assert [form for form in portal.texts(LANGUAGE) if re.search(wrong, form)] == []
