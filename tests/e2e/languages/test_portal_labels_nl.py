"""Dutch: labels of the portal are Microsoft's or stand in brackets after a translation, and old mistakes do not come back."""

import pytest

from tests.e2e.languages import portal
from tests.wording.reading import labels

WRONG = (
    r"\bu heeft\b|\bheeft u\b|\bU heeft\b",
    r"\bu (?:nodig|ze weer nodig|nog niet) heeft\b",
    r"[Zz]akelijke grootgebruiker",
    r"(?<!\{)\bseats\b(?![}-])",
    r"\b(?:één|bruikbare|toegewezen|minder) plaats(?:en)?\b",
    r"[Ll]icenties? (?:is|zijn|wordt|worden|van (?:de|een) \w+ )?(?:weggenomen|wegnemen)\b",
    r"\b[Nn]eem\b[^.;:]*\blicentie\b[^.;:]*\bweg\b",
    r"Neem de licentie van een account",
    r"abonnement is opgeschort|\} opgeschort|opgeschort abonnement",
    r"invoegtoepassing",
    r"^Geld per maand$|^Geld$",
    r"^Te beslissen door$",
    r"Bepaal welk van",
    r"[Hh]aal (?:het|een)\b[^.]*\babonnement\b[^.]*\bterug\b",
    r"\bAanvaard dat\b",
    r"\bdeze mail\b|\bDeze mail\b|wekelijkse mail",
    r"\bglobale beheerder",
    r"\bproefversie",
    r"\b(?:einde|prijs) van (?:de|een nieuwe) termijn\b",
    r"\*\* \*\*",
)
"""Forms that were wrong, or were one of two for the same thing."""


def test_labels_with_a_dutch_form_are_dutch() -> None:
    assert list(portal.english("nl", ("“", "”"))) == []
    assert portal.unknown("nl") == set()


@pytest.mark.parametrize("wrong", WRONG)
def test_old_mistakes_do_not_come_back(wrong: str) -> None:
    assert portal.matching("nl", wrong) == []


@pytest.mark.parametrize(
    ("label", "form"),
    [
        ("Groups", "Groepen"),
        ("Unassign licenses", "Licenties intrekken"),
        ("Redeem", "Inwisselen"),
        ("Settings", "Instellingen"),
    ],
)
def test_labels_of_the_documentation_are_known(label: str, form: str) -> None:
    assert labels()[label]["nl"] == form
    assert portal.terms()["sources"]["nl"][label]


def test_each_source_is_that_of_a_label() -> None:
    assert {label for label in portal.terms()["sources"]["nl"] if "nl" not in labels()[label]} == set()
    assert set(portal.glosses("nl")) & {label for label, forms in labels().items() if "nl" in forms} == set()
