"""Turkish labels, as the portal of Microsoft has them, and terms; percent signs in every language."""

# ruff: noqa: RUF001 - Turkish has its own letters
import re
from decimal import Decimal

import pytest
from babel.numbers import format_percent

from auditor.render.history.labels import seat_columns
from auditor.render.text.labels import Labels
from tests.e2e.languages import portal
from tests.wording.extract import DOMAINS
from tests.wording.reading import BOLD, CATALOGUES, LANGUAGES, entries, labels

SPACE = "\u00a0"
DOCUMENTED = {
    "Abonelik durumu": "Subscription status",
    "Aboneliği taşı": "Move subscription",
    "Atamayı kaldır": "Unassign",
    "Ayarlar": "Settings",
    "Başka bir kiracıya taşı": "Move to another tenant",
    "Bitiş tarihini genişlet": "Extend end date",
    "Bu aboneliğin denetimini al": "Take control of this subscription",
    "Daha fazla lisans ekle": "Add more licenses",
    "Diğer seçenekler (...)": "More options (...)",
    "Faturalama hesapları": "Billing accounts",
    "Faturalama yönetimi": "Billing management",
    "Gruplar": "Groups",
    "Hizmetler": "Services",
    "Hizmetleri satın al": "Purchase services",
    "Kullan": "Redeem",
    "Kullanıcıları taşı": "Move users",
    "Kuruluş ayarları": "Org settings",
    "Paylaşılan posta kutuları": "Shared mailboxes",
    "Sağlama": "Provisioning",
    "Sözleşmeler": "Contracts",
    "Toplu lisanslama": "Volume licensing",
    "Tüm aboneliklerden atanan lisanslar": "Licenses assigned from all subscriptions",
    "Ücretli aboneliği şimdi satın al": "Buy paid subscription now",
    "Ürün lisanslarını düzenle": "Edit product licenses",
    "İlişkili faturalama kiracıları": "Associated billing tenants",
}
"""Turkish label → English label, as terms.yaml gives them with their sources."""
WRONG = re.compile(
    r"[Yy]edek lisans|[Yy]edek(?:$| ile)|\} yedek|\)s yedek|az yedek|fazla yedek|boş (?:yer|lisans)|kardeş makale|"
    r"[Ss]atın alma hizmetleri|hemen götürür|aboneliğini geri getirin|askıya alınmış|doğrudan yerine|üzerinden yerine|"
    r"\bhatada\w* (?:bir )?üye|bu postanın|[Bb]u posta bir|haftalık posta\b|; bölüm, konum|popülasyon|"
    r"[Ee]kipman|Grup [Yy]öneticisi|Graph'(?:in|i|e|te|ten|teki)\b"
)
"""What was wrong: `yedek` is a backup, an e-mail is no `posta`, a subscription is Devre Dışı in the portal."""
TYPED = "write {share}%"
"""What somebody types into a policy is the same in every language."""

every = pytest.mark.parametrize("domain", DOMAINS)


def _said(domain: str) -> list[str]:
    return [said for entry in entries("tr", domain) for said in entry.said]


@pytest.mark.parametrize(("turkish", "english"), DOCUMENTED.items())
def test_a_documented_label_is_in_the_table(turkish: str, english: str) -> None:
    assert labels()[english]["tr"] == turkish


@every
def test_no_label_with_a_turkish_form_is_in_english(domain: str) -> None:
    known = {english for english, forms in labels().items() if forms.get("tr", english) != english}
    assert [(found, said) for said in _said(domain) for found in BOLD.findall(said) if found in known] == []


def test_labels_without_a_turkish_form_are_explained() -> None:
    assert list(portal.english("tr", ("“", "”"))) == []
    assert portal.unknown("tr") == set()


def test_each_source_is_that_of_a_label() -> None:
    assert set(portal.terms()["sources"]["tr"]) >= set(DOCUMENTED.values())
    assert {label for label in portal.terms()["sources"]["tr"] if "tr" not in labels()[label]} == set()
    assert set(portal.glosses("tr")) & {label for label, forms in labels().items() if "tr" in forms} == set()


@every
def test_no_label_bears_a_suffix(domain: str) -> None:
    assert [said for said in _said(domain) if re.search(r"\*\*['’]\w", said)] == []


@every
def test_wrong_terms_do_not_come_back(domain: str) -> None:
    assert [said for said in _said(domain) if WRONG.search(said)] == []


@every
def test_no_value_bears_a_suffix(domain: str) -> None:
    """A suffix follows the vowels of the word before it, which is not known for a value; a noun bears it instead."""
    assert [said for said in _said(domain) if re.search(r"(?:\}|\)s)['’]?[a-zçğıöşü]", said)] == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_percent_signs_stand_where_the_language_has_them(language: str, domain: str) -> None:
    wrong = [
        (number, said)
        for entry in entries(language, domain)
        for said in entry.said
        for number in re.findall(r"(\d+) ?%", entry.english[0])
        if format_percent(Decimal(number) / 100, locale=language)
        not in said.replace(f"{number}-%-", f"{number}{SPACE}%")
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
def test_the_interval_of_a_forecast_is_written_by_the_locale(locale: str, share: str) -> None:
    assert share in seat_columns(Labels(locale))[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_share_in_a_policy_is_written_as_policies_write_it(language: str) -> None:
    (said,) = [entry.said[0] for entry in entries(language, "errors") if entry.english[0] == TYPED]
    assert "{share}%" in said
