"""Fabrikam Interiør: the small tenant of the demo. It lacks seats of products of which Contoso has a surplus."""

import random

from auditor.demo.licences import COPILOT, E3, F3, POWER_BI, directly
from auditor.demo.names import Namer
from auditor.demo.organisation import DemoGroup, Directory, Organisation
from auditor.demo.people import Person, employee
from auditor.demo.population import Department, Place, crowd
from auditor.demo.products import purchase
from auditor.demo.workplaces import at
from auditor.domain.enums import Agreement

_SEED = 1947
_NAME_MIX = {
    "danish": 70, "swedish": 12, "turkish": 5, "polish": 4, "arabic": 3, "ukrainian": 2, "icelandic": 3, "german": 3,
}  # fmt: skip
_OFFICE = (Place(country="DK", city="Aarhus", office="Aarhus"),)
_WORKSHOP = (Place(country="DK", city="Kolding", office="Workshop Kolding"),)

_DEPARTMENTS = (
    Department(
        name="Design", count=12, titles=("Head of design", "Designer", "Drawing office"), suite=E3, places=_OFFICE,
        extras=((3, COPILOT),), used=((1, {"copilot": None}),),
    ),
    Department(
        name="Sales", count=11, titles=("Head of sales", "Account manager", "Sales support"), suite=E3, places=_OFFICE,
        extras=((6, POWER_BI),),
    ),
    Department(
        name="Finance", count=5, titles=("CFO", "Controller"), suite=E3, places=_OFFICE, extras=((4, POWER_BI),),
    ),
    Department(
        name="Workshop", count=24, titles=("Foreman", "Joiner", "Upholsterer", "Apprentice"), suite=F3,
        places=_WORKSHOP,
    ),
)  # fmt: skip


def _people(*, current: bool) -> tuple[Person, ...]:
    in_aarhus = at(_OFFICE[0])
    in_kolding = at(_WORKSHOP[0])
    return (
        employee("Kirsten Østergaard", "Sales", "Account manager", E3, enabled=False, seen=58, **in_aarhus),
        employee("Guðmundur Ævarsson", "Design", "Designer", E3, seen=131, **in_aarhus),
        employee("Jens Thomsen", "Workshop", "Joiner", F3, directly(F3), **in_kolding),
        employee(
            "Ditte Kragh", "Sales", "Display fitter", E3, platforms=("mobile", "web"), mailbox_size=0.8, **in_aarhus
        ),
        employee("Søren Holm", "Finance", "Bookkeeper", directly(E3), **in_aarhus),
        employee("Oksana Koval", "Workshop", "Apprentice", F3, location=None if not current else "DK", **in_kolding),
        Person(
            name="Butik", address="butik", department=None, enabled=False, mailbox="shared", synced=False, kind=None
        ),
        Person(name="Scanner Kolding", address="scan", department=None, seen=0.2, synced=False, kind="Service"),
    )


def _build_directory(current: bool) -> Directory:  # noqa: FBT001  the type of Organisation.directory
    individuals = _people(current=current)
    source = random.Random(_SEED)  # noqa: S311  sample data, not secrets
    namer = Namer(source, _NAME_MIX, frozenset(person.address for person in individuals))
    return Directory(
        people=(*crowd(_DEPARTMENTS, namer, source), *individuals),
        groups=(
            DemoGroup(name="LIC-M365-E3", part="SPE_E3"),
            DemoGroup(name="LIC-M365-F3", part="SPE_F1"),
            DemoGroup(name="LIC-Copilot", part="Microsoft_365_Copilot"),
            DemoGroup(name="LIC-Power-BI", part="POWER_BI_PRO"),
        ),
        products=(
            purchase("SPE_E3", 33, 140),
            purchase("SPE_F1", 28, 140),
            purchase("Microsoft_365_Copilot", 4, 201),
            purchase("POWER_BI_PRO", 10, 140),
            purchase("FLOW_FREE", 10_000, None),
            purchase("POWER_BI_STANDARD", 1_000_000, None),
        ),
    )


FABRIKAM = Organisation(
    name="fabrikam",
    tenant_id="c41d7b90-2e6f-4f8a-b3d5-7a9e0c1f2b34",
    display_name="Fabrikam Interiør",
    company="Fabrikam Interiør A/S",
    domain="fabrikam.example",
    country="DK",
    language="da",
    agreement=Agreement.CSP,
    directory=_build_directory,
)
"""The small tenant of the demo."""
