"""Contoso Retail: some four hundred users in stores, a warehouse and a head office, and their purchases."""

import random

from auditor.demo.contoso import accounts, assignment_errors, shared_accounts
from auditor.demo.contoso.accounts import PILOT
from auditor.demo.licences import COPILOT, E3, E5, F3, PHONE, POWER_BI
from auditor.demo.names import Namer
from auditor.demo.organisation import DemoGroup, Directory, Organisation
from auditor.demo.population import Department, crowd
from auditor.demo.products import DemoSubscription, Purchase, purchase
from auditor.demo.workplaces import COPENHAGEN, HEAD_OFFICE, STORES, WAREHOUSE
from auditor.domain.enums import Agreement

_SEED = 20261120
_NAME_MIX = {
    "dutch": 44, "turkish": 8, "moroccan": 6, "polish": 7, "danish": 8, "swedish": 6, "arabic": 4, "surinamese": 4,
    "ukrainian": 3, "japanese": 2, "chinese": 2, "indian": 2, "portuguese": 2, "german": 2, "greek": 1, "korean": 1,
    "hebrew": 1, "vietnamese": 1, "icelandic": 1,
}  # fmt: skip

_OFFICES = (HEAD_OFFICE, HEAD_OFFICE, COPENHAGEN)
_SALES_PILOT = f"{PILOT} Sales"

_DEPARTMENTS = (
    Department(
        name="Head office", count=14, titles=("CEO", "Legal counsel", "Executive assistant", "Buyer"),
        suite=E3, places=(HEAD_OFFICE,), extras=((3, COPILOT),), groups=((3, PILOT),), used=((3, {"copilot": None}),),
    ),
    Department(
        name="Finance", count=18, titles=("Head of finance", "Controller", "Analyst", "Accounts payable"),
        suite=E3, places=_OFFICES, extras=((11, POWER_BI),),
    ),
    Department(
        name="IT", count=13, titles=("Head of IT", "Engineer", "Service desk", "Developer", "Product owner"),
        suite=E5, places=(HEAD_OFFICE,), extras=((4, COPILOT),), groups=((4, PILOT),),
    ),
    Department(
        name="Sales", count=28, titles=("Head of sales", "Account manager", "Area manager", "Sales support"),
        suite=E3, places=_OFFICES, extras=((10, POWER_BI), (5, COPILOT), (9, PHONE)), groups=((5, _SALES_PILOT),),
        used=((2, {"copilot": 46.0}),),
    ),
    Department(
        name="Marketing", count=10, titles=("Head of marketing", "Campaign manager", "Designer", "Editor"),
        suite=E3, places=_OFFICES, extras=((4, COPILOT), (2, POWER_BI)), groups=((4, PILOT),),
    ),
    Department(
        name="HR", count=10, titles=("Head of HR", "HR advisor", "Recruiter", "Payroll"), suite=E3,
        places=(HEAD_OFFICE,),
    ),
    Department(
        name="Stores", count=142, titles=("Retail director", "Store assistant", "Store manager", "Cashier"),
        suite=F3, places=tuple(STORES.values()),
    ),
    Department(
        name="Warehouse", count=50, titles=("Warehouse manager", "Order picker", "Order picker", "Forklift driver"),
        suite=F3, places=(WAREHOUSE,),
    ),
)  # fmt: skip

_PRODUCTS = (
    purchase("SPE_E3", 170, 41),
    purchase("SPE_E5", 37, 187),
    # No seat is left, and three users are waiting for one.
    Purchase(
        part="SPE_F1", subscriptions=(DemoSubscription(total=200, ends_in=187), DemoSubscription(total=13, ends_in=112))
    ),
    purchase("Microsoft_365_Copilot", 32, 98),
    # A large surplus, due for renewal.
    purchase("POWER_BI_PRO", 60, 11),
    purchase("MCOEV", 14, 187),
    purchase("EXCHANGESTANDARD", 12, 187),
    # Expired, in its grace period, with fewer seats than users.
    purchase("VISIOCLIENT", 10, 17, status="Warning"),
    purchase("PROJECTPROFESSIONAL", 12, 187),
    # Five seats remain of an older purchase; the other subscription is suspended.
    Purchase(
        part="EMS",
        subscriptions=(
            DemoSubscription(total=5, ends_in=187),
            DemoSubscription(total=25, ends_in=12, status="Suspended"),
        ),
    ),
    purchase("AAD_PREMIUM_P2", 5, 187),
    purchase("Microsoft_Teams_Rooms_Pro", 5, 187),
    purchase("Microsoft_Teams_Premium", 10, 8, trial=True, age=22),
    purchase("CONTOSO_SHELF_CAMERA_PREVIEW", 5, 187),
    purchase("FLOW_FREE", 10_000, None),
    purchase("POWER_BI_STANDARD", 1_000_000, None),
    purchase("CCIBOTS_PRIVPREV_VIRAL", 10_000, None),
    Purchase(part="SHAREPOINTSTORAGE", subscriptions=(DemoSubscription(total=500, ends_in=187),), applies_to="Company"),
)


def _build_directory(current: bool) -> Directory:  # noqa: FBT001  the type of Organisation.directory
    individuals = (
        *accounts.people(current=current),
        *assignment_errors.people(current=current),
        *shared_accounts.accounts(),
    )
    source = random.Random(_SEED)  # noqa: S311  sample data, not secrets
    namer = Namer(source, _NAME_MIX, frozenset(person.address for person in individuals))
    season = "ProcessingComplete" if not current else "QueuedForProcessing"
    return Directory(
        people=(*crowd(_DEPARTMENTS, namer, source), *individuals),
        groups=(
            DemoGroup(name="LIC-M365-E3", part="SPE_E3"),
            DemoGroup(name="LIC-M365-E5", part="SPE_E5"),
            DemoGroup(name="LIC-M365-F3", part="SPE_F1"),
            DemoGroup(
                name="LIC-M365-F3-Season",
                part="SPE_F1",
                state=season,
                rule='user.employeeType -eq "Seasonal"',
                paused=True,
            ),
            DemoGroup(name="LIC-Copilot", part="Microsoft_365_Copilot"),
            # Group-based licensing ignores nested groups, so that the pilot does not get Power BI.
            DemoGroup(name="LIC-Power-BI", part="POWER_BI_PRO", synced=True, nested=(_SALES_PILOT,)),
            DemoGroup(name="LIC-Visio", part="VISIOCLIENT"),
            DemoGroup(name="LIC-Teams-Phone", part="MCOEV"),
            DemoGroup(name=PILOT, nested=(_SALES_PILOT,)),
            DemoGroup(name=_SALES_PILOT),
        ),
        products=_PRODUCTS,
    )


CONTOSO = Organisation(
    name="contoso",
    tenant_id="8a6f2c1e-5b0d-4e3a-9c57-1f2e3d4c5b6a",
    display_name="Contoso Retail",
    company="Contoso Retail B.V.",
    domain="contoso.example",
    country="NL",
    language="nl",
    agreement=Agreement.MCA,
    directory=_build_directory,
)
"""The large tenant of the demo."""
