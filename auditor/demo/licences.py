"""Licence assignments of the demo's users: by group or direct, with disabled service plans or errors."""

from msgspec.structs import replace

from auditor.demo.people import Licence

F3 = Licence(part="SPE_F1", group="LIC-M365-F3", off=("FLOW_O365_S1",))
SEASON = "LIC-M365-F3-Season"
F3_SEASON = replace(F3, group=SEASON)
E3 = Licence(part="SPE_E3", group="LIC-M365-E3")
E5 = Licence(part="SPE_E5", group="LIC-M365-E5")
COPILOT = Licence(part="Microsoft_365_Copilot", group="LIC-Copilot")
POWER_BI = Licence(part="POWER_BI_PRO", group="LIC-Power-BI")
PHONE = Licence(part="MCOEV", group="LIC-Teams-Phone")
PROJECT = Licence(part="PROJECTPROFESSIONAL")
VISIO = Licence(part="VISIOCLIENT")
EXCHANGE = Licence(part="EXCHANGESTANDARD")
EMS = Licence(part="EMS")
ENTRA_P2 = Licence(part="AAD_PREMIUM_P2")
TEAMS_PREMIUM = Licence(part="Microsoft_Teams_Premium")
TEAMS_ROOM = Licence(part="Microsoft_Teams_Rooms_Pro")
FLOW_FREE = Licence(part="FLOW_FREE")
FABRIC_FREE = Licence(part="POWER_BI_STANDARD")
COPILOT_STUDIO = Licence(part="CCIBOTS_PRIVPREV_VIRAL")
SHELF_CAMERA = Licence(part="CONTOSO_SHELF_CAMERA_PREVIEW")
"""A product that is not in the catalogue."""


def directly(licence: Licence) -> Licence:
    """Return a direct assignment of the product with all service plans."""
    return Licence(part=licence.part)


def without(licence: Licence, plan: str) -> Licence:
    """Return a direct assignment of the product with one disabled service plan."""
    return Licence(part=licence.part, off=(plan,))


def failed(licence: Licence, error: str) -> Licence:
    """Return the assignment with an error."""
    return replace(licence, error=error)
