"""German: labels of the portal are Microsoft's or stand in brackets after a translation, and old mistakes do not come back."""

import pytest

from tests.e2e.languages import portal
from tests.wording.reading import labels

WRONG = (
    r"Vorhandenen Produktlizenzzuweisungen",
    r"geben lassen\b",
    r"[Ww]egnehmen|weggenommen|\b[Nn]ehmen Sie\b[^.;:]*\bweg\b|\bnimmt\b[^.;]*\bweg\b",
    r"[Ff]reimachen|freizumachen|freigemacht|[Mm]achen Sie\b[^.;]*\bfrei\b",
    r"\bweiterer (?:in|mit)\b|\bweiteres\b",
    r"\bAnker\b",
    r"Aufbewahrungspflicht",
    r"Abonnement ist angehalten|\} angehalten|ausgesetzten Abonnement|Abonnement ist ausgesetzt",
    r"^Geld\b",
    r"(?:Euro|\}) im Monat|^[Ii]m Monat\b",
    r"[Ff]reie Plätze",
    r"Was mit ihr ist",
    r"^Zu entscheiden von$",
    r"\bdieser Mail\b",
    r"Nutzungsstandort",
    r"\b[Uu]nter (?:einer Microsoft-Kundenvereinbarung|dem Vertrag|diesem Vertrag)\b",
    r"Entscheiden, welches von",
    r"(?<!Weitere )(?<!Erforderliche )\bAktionen\b",
    r"Schwesterartikel",
)
"""Forms that were wrong, or were one of two for the same thing."""


def test_labels_with_a_german_form_are_german() -> None:
    assert list(portal.english("de", ("„", "“"))) == []
    assert portal.unknown("de") == set()


@pytest.mark.parametrize("wrong", WRONG)
def test_old_mistakes_do_not_come_back(wrong: str) -> None:
    assert portal.matching("de", wrong) == []


@pytest.mark.parametrize(
    ("label", "form"),
    [
        ("Assign licenses", "Lizenzen zuweisen"),
        ("Groups", "Gruppen"),
        ("Replace existing product license assignments", "Vorhandene Produktlizenzzuweisungen ersetzen"),
        ("Usage location", "Verwendungsstandort"),
    ],
)
def test_labels_of_the_documentation_are_known(label: str, form: str) -> None:
    assert labels()[label]["de"] == form


def test_each_source_is_that_of_a_label() -> None:
    assert {label for label in portal.terms()["sources"]["de"] if "de" not in labels()[label]} == set()
    assert set(portal.glosses("de")) & {label for label, forms in labels().items() if "de" in forms} == set()
