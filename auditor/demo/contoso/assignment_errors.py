"""Contoso's users with findings about assignments."""

# ruff: noqa: RUF001  names are in the scripts of their languages

from auditor.demo.contoso.accounts import PILOT
from auditor.demo.licences import (
    COPILOT,
    COPILOT_STUDIO,
    E3,
    E5,
    EMS,
    ENTRA_P2,
    EXCHANGE,
    F3,
    F3_SEASON,
    FABRIC_FREE,
    FLOW_FREE,
    PHONE,
    POWER_BI,
    PROJECT,
    SEASON,
    SHELF_CAMERA,
    TEAMS_PREMIUM,
    VISIO,
    directly,
    failed,
    without,
)
from auditor.demo.people import Person, employee
from auditor.demo.workplaces import COPENHAGEN, STORES, WAREHOUSE, at


def people(*, current: bool) -> tuple[Person, ...]:
    """Return all users of this module."""
    return (
        *_redundant(current=current),
        *_assignment_paths(current=current),
        *_stores(),
        *_errors(),
        *_attributes(current=current),
        *_add_ons(),
        *_holders(),
    )


def _redundant(*, current: bool) -> tuple[Person, ...]:
    """Return users with two products of which one is redundant; the latest move to E5 is unfinished."""
    return (
        employee("Marieke van Leeuwen", "Head office", "Chief of staff", E5, directly(E3), synced=False),
        employee("Göran Hedlund", "IT", "Security engineer", E5, directly(E3), ENTRA_P2, synced=False, country="SE"),
        employee("Stijn Hendriks", "IT", "Cloud engineer", E5, *([E3] if current else [])),
        employee("Priya Iyer", "IT", "BI developer", E5, POWER_BI),
        employee("Arjun पटेल", "IT", "Data engineer", E5, POWER_BI, address="arjun.patel"),
        employee("Signe Østergaard", "Head office", "CFO", E5, POWER_BI, **at(COPENHAGEN)),
        employee("Thijs Brouwer", "IT", "Security analyst", E5, ENTRA_P2),
        employee("Jens Holm", "Head office", "CIO", E5, PHONE, **at(COPENHAGEN)),
        employee("Anneliese Müller", "Finance", "Treasurer", E3, EMS),
        employee("Hülya Yılmaz", "Finance", "Controller", E3, EMS),
        employee("Tomasz Kowalczyk", "Sales", "Export manager", E3, EMS, country="PL"),
        employee("Femke de Wit", "HR", "Payroll", E3, without(EXCHANGE, "EXCHANGE_S_STANDARD")),
        employee("Levi Cohen-Bakker", "Marketing", "Editor", E3, without(EXCHANGE, "EXCHANGE_S_STANDARD")),
    )


def _assignment_paths(*, current: bool) -> tuple[Person, ...]:
    """Return users with a product that is assigned twice, and users with directly assigned suites."""
    direct_licences = [] if current else [directly(E3)]
    return (
        employee("Ayşe Çelik", "Stores", "Store assistant", F3, directly(F3), **at(STORES[1])),
        employee("Samira Ouali", "Stores", "Store manager", F3, directly(F3), **at(STORES[12])),
        employee("Björn Ekström", "Stores", "Store manager", F3, directly(F3), **at(STORES[31])),
        employee("Ilse Meijer", "HR", "HR business partner", E3, directly(E3)),
        employee(
            "Maria Wilhelmina Johanna Theodora van Heeckeren-Schimmelpenninck van der Oye tot Brandsenburg-Zuylestein",
            "Head office", "Company secretary", E3, directly(E3), address="maria.vanheeckeren",
        ),
        employee("Eline Postma", "Finance", "Analyst", E3, *direct_licences),
        employee("Rohit Sharma", "IT", "Developer", directly(E5)),
        employee("Nils Öberg", "Sales", "Area manager", directly(E3), country="SE"),
        employee("王 静", "Marketing", "Merchandiser", directly(E3), address="jing.wang"),
    )  # fmt: skip


def _stores() -> tuple[Person, ...]:
    """Return store staff with more than F3, two of them with approval, and seasonal staff without sign-ins."""
    season = ("Noor Visser", "Yiğit Doğan", "Ida Skovgård")
    return (
        employee("Willemijn Bos", "Stores", "Store manager", E5, **at(STORES[1]), synced=False),
        employee("Hicham Benhaddou", "Stores", "Store manager", E5, **at(STORES[12]), synced=False),
        employee("Paweł Wójcik", "Stores", "Store manager", E3, **at(STORES[44])),
        employee("Roos Vermeulen", "Stores", "Visual merchandiser", E3, **at(STORES[3])),
        *(
            employee(name, "Stores", "Season help", created=0.5, seen=None, groups=(SEASON,), **at(STORES[18]))
            for name in season
        ),
        *(
            employee(name, "Stores", "Season help", F3_SEASON, created=5.5, **at(STORES[18]))
            for name in ("Inês Araújo", "Wouter Jansen")
        ),
    )


def _errors() -> tuple[Person, ...]:
    """Return users with assignment errors: no F3 seat left, and conflicting products."""
    no_seat = failed(F3, "CountViolation")
    return (
        employee("Salma Aït Lahcen", "Stores", "Store assistant", no_seat, created=5.3, seen=1.2, **at(STORES[21])),
        employee("Małgorzata Król", "Warehouse", "Order picker", no_seat, created=3.3, seen=None, **at(WAREHOUSE)),
        employee("Emre Şahin", "Stores", "Store assistant", no_seat, created=0.6, seen=None, **at(STORES[7])),
        employee(
            "Agnieszka Dąbrowska", "Warehouse", "Shift leader", directly(E3),
            failed(F3, "MutuallyExclusiveViolation"), synced=False, **at(WAREHOUSE),
        ),
        employee("Koen Smit", "Sales", "Agent", EXCHANGE, failed(PHONE, "DependencyViolation"), synced=False),
        employee(
            "ليلى الشريف", "Sales", "Buyer Gulf", E3, failed(POWER_BI, "ProhibitedInUsageLocationViolation"),
            address="layla.elcherif", location="AE",
        ),
    )  # fmt: skip


def _attributes(*, current: bool) -> tuple[Person, ...]:
    """Return users with missing or unusual properties; one department was set today."""
    return (
        employee("Oğuz Öztürk", "Sales", "Account manager", E3, location=None),
        employee("Måns Nyström", "Marketing", "Photographer", E3, location=None, country="SE"),
        employee("Solomiia Bondarenko", "Warehouse", "Order picker", F3, location=None, **at(WAREHOUSE)),
        employee("Brian Jackson", "Head office", "Investor relations", E3, location="US", city="Amsterdam"),
        employee("Gülşah Aydın", None, "Project manager", E3),
        employee("Ilyas El Idrissi", None, "Analyst", E3, synced=False),
        employee("Saga Lindström", "Finance" if current else None, "Controller", E3, country="SE"),
    )


def _add_ons() -> tuple[Person, ...]:
    """Return users with add-ons without base product, with disabled services, and with Copilot outside its pilot."""
    return (
        employee("Ebba Bergqvist", "Marketing", "Copywriter", COPILOT, groups=(PILOT,), synced=False, country="SE"),
        employee(
            "Lotte 🌷 de Jong", "Marketing", "Social media", E3, without(COPILOT, "M365_COPILOT_APPS"), groups=(PILOT,)
        ),
        employee("Joost Meijer", "Sales", "Account manager", E3, directly(COPILOT)),
        employee("Ruth-Ann Ramdin", "Finance", "Controller", E3, directly(COPILOT)),
        employee("Freja Møller", "Sales", "Agent", EXCHANGE, PHONE, synced=False, **at(COPENHAGEN)),
        employee("Hanneke van der Meer", "HR", "HR advisor", without(E3, "TEAMS1"), synced=False),
        employee("Jürgen Schröder", "Head office", "Facility manager", without(E3, "TEAMS1"), synced=False),
    )


def _holders() -> tuple[Person, ...]:
    """Return users without findings who have less common products."""
    return (
        *(
            employee(name, "IT", title, E5, VISIO, *more)
            for name, title, more in (
                ("Jeroen Mulder", "Platform lead", (PROJECT,)),
                ("Anouk Dekker", "Identity engineer", (PROJECT,)),
                ("Rasmus Rasmussen", "Network engineer", ()),
                ("Çağlar Güneş", "Architect", (PROJECT,)),
            )
        ),
        *(
            employee(name, "Marketing", "Store designer", E3, VISIO, PROJECT)
            for name in ("Linnéa Sjögren", "Kåre Sørensen", "Yasmina Ouali", "Ilgın Koç", "Astrid Møller")
        ),
        *(
            employee(name, "Sales", "Webinar host", E3, TEAMS_PREMIUM, free)
            for name, free in (
                ("Sanne Kuipers", FLOW_FREE),
                ("Dmytro Kovalenko", FABRIC_FREE),
                ("Maaike Bos", COPILOT_STUDIO),
            )
        ),
        *(
            employee(name, "Head office", "Store concept", E3, TEAMS_PREMIUM, SHELF_CAMERA)
            for name in ("Gijs de Boer", "Ida Nielsen", "Noor de Wit", "Elin Lindström")
        ),
    )
