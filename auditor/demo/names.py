"""Generates names of users in many scripts, each with an ASCII form for addresses."""

# ruff: noqa: RUF001  names are in the scripts of their languages

import random
import unicodedata
from collections.abc import Mapping

_CULTURES: Mapping[str, tuple[str, str]] = {
    "dutch": (
        (
            "Bram, Daan, Sanne, Lotte, Pieter, Marieke, Joost, Femke, Thijs, Anouk, Ruben, Hanneke, Sjoerd, Willemijn, "
            "Koen, Maaike, Jeroen, Noor, Gijs, Eline, Stijn, Roos, Wouter, Ilse"
        ),
        (
            "de Vries, Jansen, van den Berg, Bakker, Visser, Smit, Meijer, de Boer, Mulder, Bos, Vos, Peters, "
            "Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, Kuipers, van der Meer, Postma, "
            "Hoekstra, Schouten"
        ),
    ),
    "danish": (
        "Søren, Freja, Mads, Ida, Lærke, Jens, Astrid, Kåre, Rasmus, Signe, Anders, Mette",
        "Nielsen, Sørensen, Rasmussen, Møller, Thomsen, Kjær, Østergaard, Lund, Holm, Skovgård",
    ),
    "swedish": (
        "Åsa, Björn, Elin, Göran, Linnéa, Måns, Saga, Örjan, Ebba, Nils",
        "Lindström, Åkesson, Öberg, Sjögren, Hedlund, Nyström, Bergqvist, Ekström",
    ),
    "turkish": (
        "Ayşe, Çağlar, İpek, Tuğba, Emre, Gülşah, Ömer, Yiğit, Zeynep, Hülya, Oğuz, Ilgın",
        "Yılmaz, Şahin, Öztürk, Çelik, Aydın, Güneş, Kılıç, Doğan, Koç",
    ),
    "polish": (
        "Łukasz, Małgorzata, Paweł, Zofia, Grażyna, Bartłomiej, Agnieszka, Tomasz, Wiesława",
        "Wójcik, Kowalczyk, Zieliński, Dąbrowska, Szymański, Woźniak, Jabłońska, Król",
    ),
    "arabic": (
        "أحمد|ahmed, فاطمة|fatima, يوسف|youssef, ليلى|layla, كريم|karim, سلمى|salma",
        "الخطيب|elkhatib, بن علي|benali, العمراني|elamrani, حداد|haddad, الشريف|elcherif",
    ),
    "moroccan": ("Mohamed, Naïma, Ilyas, Samira, Hicham, Yasmina", "El Idrissi, Benhaddou, Aït Lahcen, Ouali, Bouzidi"),
    "japanese": (
        "陽菜|hina, 蓮|ren, さくら|sakura, 大翔|hiroto, 美咲|misaki",
        "佐藤|sato, 鈴木|suzuki, 高橋|takahashi, 渡辺|watanabe, 小林|kobayashi",
    ),
    "ukrainian": (
        "Олена|olena, Тарас|taras, Ірина|iryna, Дмитро|dmytro, Соломія|solomiia",
        "Шевченко|shevchenko, Коваленко|kovalenko, Бондаренко|bondarenko, Мельник|melnyk",
    ),
    "greek": (
        "Ελένη|eleni, Γιώργος|giorgos, Κατερίνα|katerina, Νίκος|nikos",
        "Παπαδόπουλος|papadopoulos, Γεωργίου|georgiou, Νικολάου|nikolaou",
    ),
    "chinese": (
        "伟|wei, 芳|fang, 秀英|xiuying, 敏|min, 静|jing",
        "王|wang, 李|li, 张|zhang, 陈|chen",
    ),
    "korean": ("지훈|jihoon, 서연|seoyeon, 민준|minjun", "김|kim, 이|lee, 박|park"),
    "indian": ("Priya, Arjun, अनन्या|ananya, Rohit, दीपक|deepak, Kavya", "Sharma, Iyer, पटेल|patel, Nair, Chowdhury"),
    "hebrew": ("נועה|noa, איתן|eitan", "כהן|cohen, לוי|levi"),
    "vietnamese": ("Thị Hương, Minh Quân, Ngọc Ánh", "Nguyễn, Trần, Phạm"),
    "portuguese": ("João, Conceição, Tiago, Inês, Gonçalo", "da Silva, Araújo, Guimarães, Conceição Neves"),
    "surinamese": ("Shanti, Dewi, Kwame, Ruth-Ann", "Ramdin, Kromosoeto, Amatmoekrim, Pinas"),
    "german": ("Jürgen, Käthe, Anneliese, Weiß-Maria", "Müller, Groß, Schröder, Weiß"),
    "icelandic": ("Þórdís, Guðmundur", "Sigurðardóttir, Ævarsson"),
}
"""Culture → common given and family names, separated by commas; their combinations refer to no real person.

Entries in other scripts than Latin have the form `shown|ascii`.
"""
_FAMILY_FIRST = {"japanese": " ", "chinese": "", "korean": "", "vietnamese": " "}
"""Cultures whose family names precede given names → the text between them."""

_LETTERS = str.maketrans(
    {"ø": "oe", "æ": "ae", "å": "aa", "ł": "l", "ı": "i", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ö": "o", "ü": "u"}
)


class Namer:
    """Generates names of a mix of cultures; the same source and mix give the same names in the same order."""

    def __init__(self, source: random.Random, mix: Mapping[str, int], taken: frozenset[str]) -> None:
        self._source = source
        self._cultures = tuple(mix)
        self._weights = tuple(mix.values())
        self._taken = set(taken)

    def next(self) -> tuple[str, str]:
        """Return the next name, and an unused address: the ASCII part of a user principal name before the @."""
        culture = self._source.choices(self._cultures, self._weights)[0]
        given_names, family_names = _CULTURES[culture]
        given, given_ascii = _parse_entry(self._source.choice(given_names.split(", ")))
        family, family_ascii = _parse_entry(self._source.choice(family_names.split(", ")))
        shown = f"{family}{_FAMILY_FIRST[culture]}{given}" if culture in _FAMILY_FIRST else f"{given} {family}"
        stem = f"{given_ascii}.{family_ascii}"
        address, number = stem, 1
        while address in self._taken:
            number += 1
            address = f"{stem}{number}"
        self._taken.add(address)
        return shown, address


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
