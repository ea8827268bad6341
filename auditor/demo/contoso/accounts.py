"""Contoso's accounts with findings about the account or its use: leavers, unused accounts, guests, light users."""

# ruff: noqa: RUF001  names are in the scripts of their languages

from auditor.demo.licences import (
    COPILOT,
    E3,
    E5,
    F3,
    FABRIC_FREE,
    PHONE,
    POWER_BI,
    PROJECT,
    VISIO,
    directly,
)
from auditor.demo.people import Licence, Person, employee
from auditor.demo.workplaces import COPENHAGEN, STORES, WAREHOUSE, at

PILOT = "Copilot pilot"
_MOBILE_PLATFORMS = ("mobile", "web")


def people(*, current: bool) -> tuple[Person, ...]:
    """Return all users of this module."""
    return (
        *_leavers(current=current),
        *_inactive(),
        *_never_used(),
        *_starters(),
        *_guests(),
        *_mobile(),
        *_without_activity(),
    )


def _leavers(*, current: bool) -> tuple[Person, ...]:
    """Return blocked accounts with licences; one was blocked today, and one lost its licence today."""
    return (
        employee("Karin Hoekstra", "Finance", "Controller", E3, POWER_BI, enabled=False, seen=47),
        employee("Mehmet Kılıç", "Sales", "Account manager", E3, enabled=False, seen=122),
        employee("Sjoerd Postma", "IT", "Network engineer", E5, VISIO, enabled=False, seen=33),
        employee("Zofia Król", "Stores", "Store assistant", F3, enabled=False, seen=61, **at(STORES[21])),
        employee(
            "渡辺 大翔", "Marketing", "Brand manager", E3, COPILOT, enabled=False, seen=38, address="hiroto.watanabe",
            groups=(PILOT,),
        ),
        employee("Naïma Bouzidi", "Stores", "Store assistant", F3, enabled=False, seen=75, **at(STORES[7])),
        employee("Wiesława Szymańska", "Warehouse", "Order picker", F3, enabled=False, seen=204, **at(WAREHOUSE)),
        employee(
            "Niamh O’Connor", "Marketing", "Copywriter", E3, enabled=False, seen=52, address="niamh.o'connor",
            country="BE",
        ),
        employee(
            "Lars Thomsen", "Sales", "Regional manager", E3, PHONE, enabled=not current, seen=1.1, **at(COPENHAGEN),
        ),
        employee("Pieter Vos", "IT", "Enterprise architect", *(() if current else (E5,)), enabled=False, seen=29),
        # On parental leave; the waiver has expired.
        employee("Joke van Dam", "HR", "Recruiter", E3, enabled=False, seen=213),
        # Prepared for the first day, and blocked until then.
        employee("Elin Sjögren", "Sales", "Account manager", E3, enabled=False, seen=None, created=9, country="SE"),
        employee("Ruben Dijkstra", "Finance", "Analyst", E3, enabled=False, seen=None, created=4),
    )  # fmt: skip


def _inactive() -> tuple[Person, ...]:
    """Return users with licences but without recent sign-ins; one reaches 90 days tonight, one is on leave."""
    return (
        employee("Bartłomiej Zieliński", "Warehouse", "Shift leader", F3, seen=101, **at(WAREHOUSE)),
        employee("Ömer Aydın", "Sales", "Account manager", E3, seen=163),
        employee("Hendrik-Jan Schouten", "Head office", "Legal counsel", E3, seen=97),
        employee("Ελένη Γεωργίου", "Marketing", "Designer", E3, seen=118, address="eleni.georgiou"),
        employee("Käthe Groß", "Finance", "Accounts payable", E3, seen=140),
        employee("كريم حداد", "Stores", "Store assistant", F3, seen=230, address="karim.haddad", **at(STORES[12])),
        employee("Shanti Kromosoeto", "Stores", "Store assistant", F3, seen=305, **at(STORES[3])),
        employee("Anders Lund", "Warehouse", "Forklift driver", F3, seen=127, **at(WAREHOUSE)),
        employee(
            '<b>Robin</b> "Bobby" & <img src=x onerror=alert(1)>', "Sales", "Trainee", E3, seen=112,
            address="robin.test", synced=False,
        ),
        employee("Ingrid Åkesson", "IT", "Service desk", E5, seen=90.1, country="SE"),
        employee("فاطمة العمراني", "HR", "HR advisor", E3, seen=151, address="fatima.elamrani"),
        # Holders of the most expensive add-on who have been away for weeks, but not for months.
        employee("Gonçalo Guimarães", "Marketing", "Campaign manager", E3, COPILOT, seen=41, groups=(PILOT,)),
        employee("Þórdís Sigurðardóttir", "Sales", "Key account manager", E3, COPILOT, seen=57, groups=(PILOT,)),
    )  # fmt: skip


def _never_used() -> tuple[Person, ...]:
    """Return accounts that have licences but were never used."""
    return (
        employee("Daan Peters", "Warehouse", "Order picker", F3, seen=None, created=48, **at(WAREHOUSE)),
        employee("İpek Güneş", "Stores", "Store assistant", F3, seen=None, created=64, **at(STORES[18])),
        employee(
            "Олена Мельник", "Warehouse", "Order picker", F3, seen=None, created=93, address="olena.melnyk",
            **at(WAREHOUSE),
        ),
        employee("Kwame Pinas", "Stores", "Weekend help", F3, seen=None, created=139, **at(STORES[3])),
        employee("Nguyễn Ngọc Ánh", "Finance", "Analyst", E3, seen=None, created=77, address="ngocanh.nguyen"),
    )  # fmt: skip


def _starters() -> tuple[Person, ...]:
    """Return new users without findings."""
    return (
        employee("Lotte Kuipers", "Stores", "Store assistant", F3, seen=None, created=2.3, **at(STORES[12])),
        employee("Tuğba Koç", "Stores", "Store assistant", F3, seen=0.8, created=6.3, **at(STORES[1])),
        employee("Mads Kjær", "Finance", "Controller", E3, seen=0.7, created=11.2, **at(COPENHAGEN)),
        employee("김 민준", "Marketing", "Intern", E3, seen=None, created=3.2, address="minjun.kim"),
        employee("Grażyna Woźniak", "Warehouse", "Order picker", F3, seen=0.4, created=12.2, **at(WAREHOUSE)),
    )  # fmt: skip


def _guests() -> tuple[Person, ...]:
    """Return guests; a few have licences that their own tenant should provide."""
    guest_names = (
        "Chantal Moreau",
        "Peter Achterberg",
        "Yuki Tanabe",
        "Aoife Byrne",
        "Luca Ferri",
        "Hans Vogt",
        "Marta Nowak",
    )
    domains = ("northwind.example", "adatum.example", "tailspin.example")
    return (
        *(
            _guest(
                name, f"{name.split()[0].lower()}@{domains[number % 3]}", *([FABRIC_FREE] if number % 3 == 1 else [])
            )
            for number, name in enumerate(guest_names)
        ),
        _guest("Erik Sandberg (Adatum)", "erik.sandberg@adatum.example", VISIO),
        _guest("Dewi Amatmoekrim", "dewi@northwind.example", PROJECT),
        _guest("O. Demir, auditor", "o.demir@wingtip.example", E3, seen=44.0),
        _guest("Conceição Neves", "c.neves@tailspin.example", directly(POWER_BI), created=0.4, seen=0.2),
    )


def _guest(name: str, address: str, *licences: Licence, seen: float = 6.0, created: float = 320) -> Person:
    direct = tuple(directly(licence) for licence in licences)
    return Person(
        name=name, address=address, department=None, licences=direct, created=created, seen=seen, guest=True,
        synced=False, mailbox=None, kind=None,
    )  # fmt: skip


def _mobile() -> tuple[Person, ...]:
    """Return users of phones and browsers with small mailboxes, for whom a frontline suite is sufficient."""
    return (
        employee("Kenan Aksoy", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=1.2),
        employee("Marloes Hofstra", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=0.7),
        employee("Piotr Lewandowski", "IT", "Field technician", E5, platforms=_MOBILE_PLATFORMS, mailbox_size=1.6),
        employee(
            "Jytte Bjerre",
            "Sales",
            "Display fitter",
            E3,
            platforms=_MOBILE_PLATFORMS,
            mailbox_size=0.9,
            **at(COPENHAGEN),
        ),
    )


def _without_activity() -> tuple[Person, ...]:
    """Return users who sign in but use no service."""
    last_used = dict.fromkeys(("exchange", "onedrive", "sharepoint", "teams"), 172.0)
    return (employee("Corné van Rijn", "Sales", "Sales support", E3, seen=0.8, used=last_used),)
