"""Generates names of users in many scripts, each with an ASCII form for addresses."""

# ruff: noqa: RUF001  names are in the scripts of their languages

import random
import unicodedata
from collections.abc import Mapping

from msgspec import Struct


class Name(Struct, frozen=True, kw_only=True):
    """The name of a user."""

    shown: str
    address: str
    """ASCII, lower case, `given.family`: the part of a user principal name before the @."""


class Culture(Struct, frozen=True, kw_only=True):
    """Given and family names that can be combined; entries in other scripts than Latin have the form `shown|ascii`."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    family_first: bool = False
    joint: str = " "


def _culture(given: str, family: str, *, family_first: bool = False, joint: str = " ") -> Culture:
    return Culture(
        given=tuple(given.split(", ")), family=tuple(family.split(", ")), family_first=family_first, joint=joint
    )


CULTURES: Mapping[str, Culture] = {
    "dutch": _culture(
        "Bram, Daan, Sanne, Lotte, Pieter, Marieke, Joost, Femke, Thijs, Anouk, Ruben, Hanneke, Sjoerd, Willemijn, "
        "Koen, Maaike, Jeroen, Noor, Gijs, Eline, Stijn, Roos, Wouter, Ilse",
        "de Vries, Jansen, van den Berg, Bakker, Visser, Smit, Meijer, de Boer, Mulder, Bos, Vos, Peters, Hendriks, "
        "van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, Kuipers, van der Meer, Postma, Hoekstra, Schouten",
    ),
    "danish": _culture(
        "Søren, Freja, Mads, Ida, Lærke, Jens, Astrid, Kåre, Rasmus, Signe, Anders, Mette",
        "Nielsen, Sørensen, Rasmussen, Møller, Thomsen, Kjær, Østergaard, Lund, Holm, Skovgård",
    ),
    "swedish": _culture(
        "Åsa, Björn, Elin, Göran, Linnéa, Måns, Saga, Örjan, Ebba, Nils",
        "Lindström, Åkesson, Öberg, Sjögren, Hedlund, Nyström, Bergqvist, Ekström",
    ),
    "turkish": _culture(
        "Ayşe, Çağlar, İpek, Tuğba, Emre, Gülşah, Ömer, Yiğit, Zeynep, Hülya, Oğuz, Ilgın",
        "Yılmaz, Şahin, Öztürk, Çelik, Aydın, Güneş, Kılıç, Doğan, Koç",
    ),
    "polish": _culture(
        "Łukasz, Małgorzata, Paweł, Zofia, Grażyna, Bartłomiej, Agnieszka, Tomasz, Wiesława",
        "Wójcik, Kowalczyk, Zieliński, Dąbrowska, Szymański, Woźniak, Jabłońska, Król",
    ),
    "arabic": _culture(
        "أحمد|ahmed, فاطمة|fatima, يوسف|youssef, ليلى|layla, كريم|karim, سلمى|salma",
        "الخطيب|elkhatib, بن علي|benali, العمراني|elamrani, حداد|haddad, الشريف|elcherif",
    ),
    "moroccan": _culture(
        "Mohamed, Naïma, Ilyas, Samira, Hicham, Yasmina", "El Idrissi, Benhaddou, Aït Lahcen, Ouali, Bouzidi"
    ),
    "japanese": _culture(
        "陽菜|hina, 蓮|ren, さくら|sakura, 大翔|hiroto, 美咲|misaki",
        "佐藤|sato, 鈴木|suzuki, 高橋|takahashi, 渡辺|watanabe, 小林|kobayashi",
        family_first=True,
    ),
    "ukrainian": _culture(
        "Олена|olena, Тарас|taras, Ірина|iryna, Дмитро|dmytro, Соломія|solomiia",
        "Шевченко|shevchenko, Коваленко|kovalenko, Бондаренко|bondarenko, Мельник|melnyk",
    ),
    "greek": _culture(
        "Ελένη|eleni, Γιώργος|giorgos, Κατερίνα|katerina, Νίκος|nikos",
        "Παπαδόπουλος|papadopoulos, Γεωργίου|georgiou, Νικολάου|nikolaou",
    ),
    "chinese": _culture(
        "伟|wei, 芳|fang, 秀英|xiuying, 敏|min, 静|jing",
        "王|wang, 李|li, 张|zhang, 陈|chen",
        family_first=True,
        joint="",
    ),
    "korean": _culture(
        "지훈|jihoon, 서연|seoyeon, 민준|minjun", "김|kim, 이|lee, 박|park", family_first=True, joint=""
    ),
    "indian": _culture(
        "Priya, Arjun, अनन्या|ananya, Rohit, दीपक|deepak, Kavya", "Sharma, Iyer, पटेल|patel, Nair, Chowdhury"
    ),
    "hebrew": _culture("נועה|noa, איתן|eitan", "כהן|cohen, לוי|levi"),
    "vietnamese": _culture("Thị Hương, Minh Quân, Ngọc Ánh", "Nguyễn, Trần, Phạm", family_first=True),
    "portuguese": _culture("João, Conceição, Tiago, Inês, Gonçalo", "da Silva, Araújo, Guimarães, Conceição Neves"),
    "surinamese": _culture("Shanti, Dewi, Kwame, Ruth-Ann", "Ramdin, Kromosoeto, Amatmoekrim, Pinas"),
    "german": _culture("Jürgen, Käthe, Anneliese, Weiß-Maria", "Müller, Groß, Schröder, Weiß"),
    "icelandic": _culture("Þórdís, Guðmundur", "Sigurðardóttir, Ævarsson"),
}
"""Common given and family names by language or culture; their combinations refer to no real person."""

_LETTERS = str.maketrans(
    {"ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "ı": "i", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ö": "o", "ü": "u"}
)


class Namer:
    """Generates names of a mix of cultures; the same source and mix give the same names in the same order."""

    def __init__(self, source: random.Random, mix: Mapping[str, int], taken: frozenset[str] = frozenset()) -> None:
        self._source = source
        self._cultures = tuple(mix)
        self._weights = tuple(mix.values())
        self._taken = set(taken)

    def next(self) -> Name:
        """Return the next name, with an unused address."""
        culture = CULTURES[self._source.choices(self._cultures, self._weights)[0]]
        given, given_ascii = _parse_entry(self._source.choice(culture.given))
        family, family_ascii = _parse_entry(self._source.choice(culture.family))
        parts = (family, given) if culture.family_first else (given, family)
        stem = f"{given_ascii}.{family_ascii}"
        address, number = stem, 1
        while address in self._taken:
            number += 1
            address = f"{stem}{number}"
        self._taken.add(address)
        return Name(shown=culture.joint.join(parts), address=address)


def ascii_address(shown: str) -> str:
    """Convert a name in Latin script to the local part of an address: `Søren Kjær` to `soeren.kjaer`."""
    lowered = shown.lower().translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", lowered).encode("ascii", "ignore").decode()
    given, _, family = plain.partition(" ")
    return ".".join(filter(None, (_letters(given), _letters(family))))


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character == "-")


def _parse_entry(entry: str) -> tuple[str, str]:
    shown, _, plain = entry.partition("|")
    return shown, plain or _letters(ascii_address(shown).replace(".", ""))
