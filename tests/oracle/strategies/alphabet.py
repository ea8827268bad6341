"""The small sets of values that tenants and policies are both drawn from, with case and Unicode variants."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import strategies as st

from tests.oracle.selection.access import BUILT_IN
from tests.oracle.world import AT_LEAST_FREE as FREE

__all__ = ["FREE"]

TENANTS = ("contoso", "fabrikam", "adatum")


def guid(kind: str, number: int) -> str:
    """A GUID with letters in it, so that its case matters; `kind` is four hexadecimal digits."""
    return f"{number:08x}-{kind}-4bcd-8ef0-{number:012x}"


PLANS = (
    (guid("aaaa", 1), "EXCHANGE_S_ENTERPRISE"),
    (guid("aaaa", 2), "TEAMS1"),
    (guid("aaaa", 3), "SHAREPOINTWAC"),
    # Two plans with the same name, as in Microsoft's table.
    (guid("aaaa", 4), "PROJECT_ESSENTIALS"),
    (guid("aaaa", 5), "PROJECT_ESSENTIALS"),
    (guid("aaaa", 6), "STRAßE_PLAN"),
    ("113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION"),
)
SERVICES = (
    "EXCHANGE_S_ENTERPRISE", "exchange_s_enterprise", "TEAMS1", "SHAREPOINTWAC", "PROJECT_ESSENTIALS", "strasse_plan",
    PLANS[0][0], PLANS[4][0].upper(), "EXCHANGE_S_FOUNDATION", "NO_SUCH_PLAN",
)  # fmt: skip

SKUS = tuple(
    (guid("bbbb", number), part)
    for number, part in enumerate(
        (
            "SPE_E3", "SPE_E5", "SPE_F1", "VISIOCLIENT", "VISIO_PLAN1",
            # Two products with the same part number, as in Microsoft's table.
            "MCOPSTN5", "MCOPSTN5",
            "STRAßE_ADDON", "FLOW_FREE", "OWN_FREE", "Contoso_Free", "POWER_BI_PRO",
        ),
        start=1,
    )
)  # fmt: skip
BULK = tuple((guid("cccc", number), f"BULK_{number:02}") for number in range(300))
"""More products than the bits of several machine words."""
WORD_AND_MORE = 66
"""A number of products just above the bits of one machine word."""

PRODUCT_NAMES = (
    "SPE_E3", "spe_e3", "SPE_E5", "SPE_F1", "visioclient", "VISIO_PLAN1", "MCOPSTN5", "strasse_addon", "FLOW_FREE",
    "POWER_BI_PRO", "BULK_65", SKUS[0][0], SKUS[1][0].upper(), SKUS[5][0], SKUS[6][0], SKUS[11][0], "CONTOSO_TYPO",
)  # fmt: skip
GLOBS = ("SPE_*", "spe_e?", "VISIO*", "S*", "*ss*", "?isio[!_]*", "BULK_[0-3]*", "NOTHING*")

CREATED = ("2026-11-20", "2026-11-20T00:00:00Z", "2026-11-20T05:30:00+05:30", "2020-01-01", "2020-01-01T01:00:00.5Z")
"""Instants in several spellings; users have some of them as their creation date."""
TEXTS = ("Store", "STORE", "Straße", "STRASSE", "İstanbul", "i̇stanbul", "Warehouse", "NO")
GLOB_TEXTS = ("st*", "STRAS*", "*ß*", "?tore", "[sw]*", "*", "İ*", "no", "*house")
TEXT_PROPERTIES = ("department", "country", "usageLocation", "jobTitle", "extensionAttribute1", "displayName")
BOOLEAN_PROPERTIES = ("accountEnabled", "onPremisesSyncEnabled")
MAILBOXES = ("user", "shared", "room", "equipment")
GROUPS = ("Sales", "SALES", "Straße", "Pilot")
GROUP_IDS = tuple(guid("dddd", number) for number in range(1, 5))
GROUP_NAMES = (
    "Sales",
    "sales",
    "strasse",
    "PILOT",
    "No such group",
    GROUP_IDS[0],
    GROUP_IDS[1].upper(),
    guid("dddd", 99),
)
ROLE_IDS = (*BUILT_IN, guid("f00d", 1), guid("f00d", 2))
"""Built-in roles, a custom role, and a role whose definition was deleted."""
ROLE_NAMES = (
    "Global Administrator",
    "billing ADMINISTRATOR",
    "Straße desk",
    "STRASSE DESK",
    "No such role",
    *ROLE_IDS[:1],
    ROLE_IDS[3].upper(),
    ROLE_IDS[4],
)
GUEST_KINDS = ("internalGuest", "b2bCollaborationGuest", "serviceProvider", "internalGuest,b2bCollaborationMember")
DURATIONS = ("7d", "14d", "30d", "60d", "90d")
ERRORS = ("CountViolation", "MutuallyExclusiveViolation", "Other", "SomethingNew")
STATUSES = ("Enabled", "Warning", "Suspended", "LockedOut", "Deleted")


def user_id(number: int) -> str:
    return guid("eeee", number)


def stamp(rng: Random, as_of: datetime, *, ahead: bool = False) -> str:
    """An RFC 3339 timestamp at, just before or just after a duration used in policies, in one of several spellings."""
    day = rng.choice((30, 0, -7, -14, -30, -60, -90) if ahead else (0, 5, 7, 14, 30, 60, 90, 400))
    instant = as_of - timedelta(days=day) + timedelta(seconds=rng.choice((0, 0, -1, 1, 3600)))
    return _spell(instant, rng.choice(("Z", "Z", "fraction", "offset")))


def _spell(instant: datetime, spelling: str) -> str:
    match spelling:
        case "fraction":
            return f"{instant:%Y-%m-%dT%H:%M:%S}.1234567Z"
        case "offset":
            return f"{instant + timedelta(hours=5, minutes=30):%Y-%m-%dT%H:%M:%S}+05:30"
        case _:
            return f"{instant:%Y-%m-%dT%H:%M:%S}Z"


def optional(strategy: st.SearchStrategy[object], key: str) -> st.SearchStrategy[dict[str, object]]:
    """A mapping with the key, or an empty one."""
    return st.one_of(st.just({}), strategy.map(lambda value: {key: value}))
