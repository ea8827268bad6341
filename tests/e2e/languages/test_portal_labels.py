"""Tests portal labels in translations: Microsoft's word if documented, else a translation and the English label."""

# ruff: noqa: RUF001 - Turkish letters
import re
from decimal import Decimal

import pytest
from babel.numbers import format_percent

from auditor.render.history.labels import seat_columns
from auditor.render.text.labels import Labels
from tests.e2e.languages import portal
from tests.localization.catalogue_messages import BOLD, CATALOGUES, LANGUAGES, entries, labels
from tests.localization.extract import DOMAINS

SPACE = "\u00a0"
QUOTES = {"da": ("»", "«"), "de": ("„", "“"), "nl": ("“", "”"), "sv": ("”", "”"), "tr": ("“", "”")}
DOCUMENTED = {
    "da": {
        "Buy": "Køb", "Edit recurring billing": "Rediger tilbagevendende fakturering", "Groups": "Grupper",
        "Subscription status": "Abonnementsstatus", "Unassign licenses": "Fjern tildeling af licenser",
        "Usage location": "Brugsplacering",
    },
    "de": {
        "Assign licenses": "Lizenzen zuweisen", "Groups": "Gruppen", "Usage location": "Verwendungsstandort",
        "Replace existing product license assignments": "Vorhandene Produktlizenzzuweisungen ersetzen",
    },
    "nl": {
        "Groups": "Groepen", "Redeem": "Inwisselen", "Settings": "Instellingen",
        "Unassign licenses": "Licenties intrekken",
    },
    "sv": {
        "Buy": "Köp", "Extend end date": "Förläng slutdatum", "Groups": "Grupper",
        "Subscription status": "Prenumerationsstatus", "Unassign licenses": "Ta bort tilldelning av licenser",
    },
    "tr": {
        "Extend end date": "Bitiş tarihini genişlet", "Groups": "Gruplar", "Redeem": "Kullan",
        "Subscription status": "Abonelik durumu", "Unassign": "Atamayı kaldır",
    },
}  # fmt: skip
"""Examples of labels that Microsoft documents in these languages; terms.yaml has all labels and their sources."""
WRONG = {
    "da": (
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
        r"(?i)\bsnapshot(?:tet)?\b(?!-)(?<!--snapshot)(?<!--save-snapshot)",
        r"(?i)auditten",
        r"(?i)lokale mappe\b",
        r"hvilket af \{old\}",
        r"(?i)\bserviceplan",
        r"(?i)brugbare licenspladser",
        r"^Hvornår$",
    ),
    "de": (
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
    ),
    "nl": (
        r"\bu heeft\b|\bheeft u\b|\bU heeft\b",
        r"\bu (?:nodig|ze weer nodig|nog niet) heeft\b",
        r"[Zz]akelijke grootgebruiker",
        r"(?<!\{)\bseats\b(?![}-]|\.\w)",
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
    ),
    "sv": (
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
    ),
    "tr": (
        (
            r"[Yy]edek lisans|[Yy]edek(?:$| ile)|\} yedek|\)s yedek|az yedek|fazla yedek|boş (?:yer|lisans)|kardeş makale|"
            r"[Ss]atın alma hizmetleri|hemen götürür|aboneliğini geri getirin|askıya alınmış|doğrudan yerine|üzerinden yerine|"
            r"\bhatada\w* (?:bir )?üye|bu postanın|[Bb]u posta bir|haftalık posta\b|; bölüm, konum|popülasyon|"
            r"[Ee]kipman|Grup [Yy]öneticisi|Graph'(?:in|i|e|te|ten|teki)\b"
        ),
    ),
}
"""Language → patterns of forms that were wrong, differed from Microsoft's, or were a second form for the same term."""
TYPED = "write {share}%"
"""A message with text for a policy file, which is the same in every language."""

each_language = pytest.mark.parametrize("language", sorted(QUOTES))
each_domain = pytest.mark.parametrize("domain", DOMAINS)


@pytest.mark.parametrize(
    ("language", "english", "form"),
    [(language, english, form) for language, forms in DOCUMENTED.items() for english, form in forms.items()],
)
def test_documented_label_has_the_form_of_microsoft(language: str, english: str, form: str) -> None:
    assert labels()[english][language] == form
    assert language == "de" or portal.terms()["sources"][language][english]


@pytest.mark.slow
@each_language
def test_label_without_a_documented_form_has_a_gloss(language: str) -> None:
    """The English label follows its translation in brackets."""
    assert list(portal.untranslated_labels(language, QUOTES[language])) == []
    assert portal.labels_without_form(language) == set()


@pytest.mark.parametrize("language", ["de", "nl", "tr"])
def test_each_source_in_terms_yaml_belongs_to_a_label(language: str) -> None:
    localized = {label for label, forms in labels().items() if language in forms}
    assert set(portal.terms()["sources"][language]) - localized == set()
    assert set(portal.glosses(language)) & localized == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "wrong"), [(language, pattern) for language, patterns in WRONG.items() for pattern in patterns]
)
def test_wrong_forms_are_not_used(language: str, wrong: str) -> None:
    """Error messages are about files, for which some of the German and Dutch words are correct."""
    domains = set(DOMAINS) - ({"errors"} if language in {"de", "nl"} else set())
    assert [translation for translation in portal.texts(language, domains) if re.search(wrong, translation)] == []


@each_domain
def test_label_with_a_turkish_form_is_not_in_english(domain: str) -> None:
    translated = {english for english, forms in labels().items() if forms.get("tr", english) != english}
    assert [
        (label, translation)
        for translation in portal.texts("tr", [domain])
        for label in BOLD.findall(translation)
        if label in translated
    ] == []


@each_domain
def test_turkish_label_has_no_suffix(domain: str) -> None:
    assert [translation for translation in portal.texts("tr", [domain]) if re.search(r"\*\*['’]\w", translation)] == []


@each_domain
def test_turkish_placeholder_has_no_suffix(domain: str) -> None:
    """A suffix depends on the vowels of the word before it, which are not known for a value; a noun has it instead."""
    assert [
        translation
        for translation in portal.texts("tr", [domain])
        if re.search(r"(?:\}|\)s)['’]?[a-zçğıöşü]", translation)
    ] == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_percent_signs_are_formatted_in_the_language(language: str, domain: str) -> None:
    wrong = [
        (number, translation)
        for entry in entries(language, domain)
        for translation in entry.translations
        for number in re.findall(r"(\d+) ?%", entry.english[0])
        if format_percent(Decimal(number) / 100, locale=language)
        not in translation.replace(f"{number}-%-", f"{number}{SPACE}%")
    ]
    assert wrong == []
    assert [entry.english[0] for entry in entries(language, domain) if re.search(r"\d %", entry.english[0])] == []


@pytest.mark.parametrize(
    ("locale", "share"),
    [
        ("en", "90%"),
        ("nl", "90%"),
        ("da", f"90{SPACE}%"),
        ("sv", f"90{SPACE}%"),
        ("tr", "%90"),
        ("de", f"90{SPACE}%"),
    ],
)
def test_interval_of_a_forecast_is_formatted_in_the_language(locale: str, share: str) -> None:
    assert share in seat_columns(Labels(locale))[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_percentage_in_policy_syntax_is_not_localized(language: str) -> None:
    (translation,) = [entry.translations[0] for entry in entries(language, "errors") if entry.english[0] == TYPED]
    assert "{share}%" in translation
