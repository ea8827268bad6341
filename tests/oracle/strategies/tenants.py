"""Strategies for tenants in the shape of Graph's responses, with every kind of gap in the collected data.

Hypothesis chooses the number of users, the products and the failed sources; the many small values of a row come from
one seed per row. That is ten times faster than a draw per value, and Hypothesis can still remove rows when it shrinks.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from msgspec import Struct

from tests.oracle.selection.access import BUILT_IN
from tests.oracle.strategies import alphabet
from tests.oracle.strategies.alphabet import GROUP_IDS, PLANS, SKUS, stamp
from tests.oracle.strategies.usage import reports, use

Row = dict[str, Any]
T = TypeVar("T")

SOURCES = ("users", "signInActivity", "mailboxes", "subscribedSkus", "subscriptions", "groups", "members", "devices")
STATUSES = ("complete",) * 8 + ("partial", "partial", "denied", "unavailable", "not-needed")
NOT_READ = ("denied", "unavailable", "not-needed")
FACTS = (
    "department", "country", "usageLocation", "accountEnabled", "userType", "createdDateTime",
    "licenseAssignmentStates", "assignedLicenses", "onPremisesSyncEnabled", "agent",
)  # fmt: skip
UNKNOWNS = (
    *((),) * 10, ("signInActivity",), ("mailboxType",), ("department",), ("assignedLicenses",),
    ("licenseAssignmentStates",), ("createdDateTime", "usageLocation"),
)  # fmt: skip
PATHS = (
    (None,), (None,), (None,), GROUP_IDS[:1], (None, GROUP_IDS[1]), GROUP_IDS[:2], (), (GROUP_IDS[0], GROUP_IDS[0]),
)  # fmt: skip
SIGN_INS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")
seeds = st.integers(0, 2**32 - 1)
_crowds = st.one_of(*[st.lists(seeds, min_size=least, max_size=12) for least in (0, 3, 8)])


def sample(rng: Random, values: Sequence[T], most: int) -> list[T]:
    """Up to `most` different values."""
    return rng.sample(values, rng.randint(0, min(most, len(values))))


class Shelf(Struct, frozen=True, kw_only=True):
    """The products of one run: those in `subscribedSkus`, strays that are only assigned to users, and the catalogue."""

    shown: list[tuple[str, str]]
    strays: list[tuple[str, str]]
    plans: dict[str, list[tuple[str, str]]]
    catalogue: dict[str, tuple[str, list[tuple[str, str]]]]

    @property
    def held(self) -> list[str]:
        return [sku for sku, _part in [*self.shown, *self.strays]]


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    rng = Random(draw(seeds))
    products = draw(st.lists(st.sampled_from(SKUS), unique=True, min_size=2, max_size=8))
    strays = products[6:] + sample(rng, products[1:6], 1)
    owned = [sku for sku in products if sku not in strays]
    plans = {
        sku: list(PLANS[: rng.randint(0, 7)]) if rng.random() < 0.4 else sample(rng, PLANS, 4)
        for sku, _part in products
    }
    if (count := draw(st.integers(0, 59))) >= 54:
        bulk = alphabet.BULK if count == 59 else alphabet.BULK[: alphabet.WORD_AND_MORE]
        owned = [*owned, *bulk]
        plans |= {sku: [PLANS[number % 7], PLANS[number % 3]][: number % 3] for number, (sku, _) in enumerate(bulk)}
    catalogue = {}
    for sku, part in [*owned, *strays]:
        catalogue_state = rng.choice(("same", "same", "other", "no"))
        if catalogue_state != "no":
            catalogue[sku] = (part, plans[sku] if catalogue_state == "same" else sample(rng, PLANS, 4))
    return Shelf(shown=owned, strays=strays, plans=plans, catalogue=catalogue)


@st.composite
def tenants(draw: st.DrawFn, name: str, shelf: Shelf, as_of: datetime) -> Row:
    """One tenant, without the data that its sources could not read."""
    rng = Random(draw(seeds))
    status = dict.fromkeys(SOURCES, "complete")
    not_collected: list[str] = []
    report_rows = reports(rng, as_of, whole=True)
    if draw(st.integers(0, 2)) == 2:
        status = {source: rng.choice(STATUSES) for source in (*SOURCES, *report_rows)}
        not_collected = sample(rng, FACTS, 2)
        report_rows = reports(rng, as_of, whole=False)
    rows = [_user(Random(seed), number, shelf, as_of) for number, seed in enumerate(draw(_crowds))]
    shown_products = [pair for pair in shelf.shown if pair[1].startswith("BULK_") or rng.random() < 0.85]
    tenant: Row = {
        "name": name,
        "tenantId": alphabet.guid("ffff", alphabet.TENANTS.index(name)),
        "cloud": "worldwide",
        "sources": status,
        "notCollected": not_collected,
        "reports": report_rows,
        "users": [_collected(row, status, not_collected) for row in rows],
        "subscribedSkus": [_sku(rng, sku, part, shelf) for sku, part in shown_products],
        "subscriptions": [_subscription(rng, number, shelf, as_of) for number in range(rng.randint(0, 5))],
        "groups": list(_groups(rng, len(rows), status)),
    }
    tenant |= _access(rng, len(rows))
    return tenant | {source: [] for source in tenant if status.get(source) in NOT_READ}


def _sku(rng: Random, sku: str, part: str, shelf: Shelf) -> Row:
    # The oracle searches seat numbers one by one, so the products of large tenants have few seats each.
    enabled = rng.choice((0, 1, 2, 3) if part.startswith("BULK_") else (0, 1, 2, 3, 5, 10, 20, 100, 150))
    consumed = rng.choice((0, 0, 1, enabled, enabled + 1, enabled * 9 // 10, enabled // 2, max(0, enabled - 1)))
    units: Row = {"enabled": None if rng.random() < 0.06 else enabled}
    units |= rng.choice(({}, {}, {"warning": 0}, {"warning": 3}, {"warning": None}, {"warning": 20}))
    units |= rng.choice(({}, {"suspended": 3}, {"suspended": 0, "lockedOut": 2}))
    row: Row = {
        "skuId": rng.choice((sku, sku.upper())),
        "skuPartNumber": part,
        "consumedUnits": None if rng.random() < 0.06 else consumed,
        "prepaidUnits": units,
        "servicePlans": [{"servicePlanId": plan, "servicePlanName": name} for plan, name in shelf.plans[sku]],
        "subscriptionIds": [],
    }
    return row | rng.choice(
        ({}, {"appliesTo": "User"}, {"appliesTo": "User"}, {"appliesTo": "User"}, {"appliesTo": "Company"})
    )


def _subscription(rng: Random, number: int, shelf: Shelf, as_of: datetime) -> Row:
    sku, part = rng.choice([*shelf.shown[:8], *shelf.strays])
    return {
        "id": alphabet.guid("9999", number),
        "skuId": rng.choice((sku, sku.upper())),
        "skuPartNumber": part,
        "status": rng.choice(("Enabled", *alphabet.STATUSES, None)),
        "isTrial": rng.choice((True, True, True, True, False, False, False, None)),
        "nextLifecycleDateTime": None if rng.random() < 0.15 else stamp(rng, as_of, ahead=True),
        "totalLicenses": rng.choice((0, 1, 2, 5, 10, 10, 10, None)),
    }


def _groups(rng: Random, count: int, status: dict[str, str]) -> Iterator[Row]:
    user_ids = [alphabet.user_id(number) for number in range(count)]
    for group, name in zip(GROUP_IDS, alphabet.GROUPS, strict=True):
        if rng.random() < 0.3:
            continue
        row: Row = {
            "id": group,
            "displayName": name,
            "assignedLicenses": rng.choice(([], [{"skuId": SKUS[0][0]}])),
            "licenseProcessingState": {"state": rng.choice(("ProcessingComplete", "ProcessingComplete", "QueuedForProcessing", None))},
            "hasMembersWithLicenseErrors": rng.random() < 0.4,
            "groupTypes": rng.choice(([], [], ["DynamicMembership"], ["Unified", "DynamicMembership"], None)),
            "membershipRuleProcessingState": rng.choice(("On", "Paused", None)),
            "visibility": rng.choice((None, None, "Private", "HiddenMembership")),
            "nestedGroups": rng.choice(([], [], [GROUP_IDS[2]], None)),
            "memberCount": rng.choice((0, 0, 4, None)),
        }  # fmt: skip
        for kind in ("members", "transitiveMembers"):
            partial = status["members"] == "partial"
            membership_status = rng.choice(("complete", "partial", "denied")) if partial else "complete"
            read = status["members"] not in NOT_READ and membership_status != "denied"
            row |= {kind: sample(rng, user_ids, 8) if read else [], f"{kind}Status": membership_status}
        yield row


def _access(rng: Random, count: int) -> Row:
    """Directory roles and Conditional Access policies; `lists` names the lists that were read completely."""
    user_ids = [alphabet.user_id(number) for number in range(count)]
    list_names = ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances", "policies")
    lists = list(list_names) if rng.random() < 0.7 else sample(rng, list_names, 4)
    definitions = [
        {"id": role, "templateId": role, "displayName": BUILT_IN.get(role, ("Straße desk", False))[0], "isBuiltIn": role in BUILT_IN}
        for role in alphabet.ROLE_IDS[:4]
        if "roleDefinitions" in lists or rng.random() < 0.4
    ]  # fmt: skip
    principals = [*user_ids, *user_ids, *GROUP_IDS, alphabet.guid("dddd", 99)]
    access: Row = {"lists": lists, "roleDefinitions": definitions}
    for name in ("roleAssignments", "roleEligibilityScheduleInstances"):
        sampled = sample(rng, principals, 4)
        access[name] = [
            {"id": str(number), "principalId": rng.choice((principal, principal.upper())), "directoryScopeId": "/",
             "roleDefinitionId": rng.choice(alphabet.ROLE_IDS)}
            for number, principal in enumerate(sampled)
        ]  # fmt: skip
    access["conditionalAccessPolicies"] = [_access_policy(rng, number, user_ids) for number in range(rng.randint(0, 3))]
    return access


def _access_policy(rng: Random, number: int, user_ids: list[str]) -> Row:
    users: Row = {}
    for side in ("include", "exclude"):
        users[f"{side}Users"] = sample(rng, [*user_ids[:3], "GuestsOrExternalUsers"], 2)
        users[f"{side}Groups"] = sample(rng, [*GROUP_IDS, alphabet.guid("dddd", 99)], 1)
        users[f"{side}Roles"] = sample(rng, alphabet.ROLE_IDS, 1)
        if rng.random() < 0.3:
            tenants = rng.choice(({}, {"externalTenants": {"membershipKind": rng.choice(("all", "enumerated"))}}))
            users[f"{side}GuestsOrExternalUsers"] = {
                "guestOrExternalUserTypes": rng.choice(alphabet.GUEST_KINDS),
                **tenants,
            }
    if rng.random() < 0.5:
        users["includeUsers"] = ["All"]
    return {
        "id": str(number),
        "displayName": f"Policy {number}",
        "state": rng.choice(("enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced")),
        "conditions": {"users": users, **rng.choice(({}, {"userRiskLevels": ["high"]}, {"signInRiskLevels": ["low"]}))},
    }


def _user(rng: Random, number: int, shelf: Shelf, as_of: datetime) -> Row:
    texts = (None, "", *alphabet.TEXTS)
    user: Row = {
        "id": alphabet.user_id(number),
        "userPrincipalName": rng.choice((f"user{number}@contoso.example", f"user{number}#EXT#@contoso.example")),
        "displayName": rng.choice(("Ann Straße", "İnci", "Bo", "STORE")),
        "accountEnabled": rng.choice((True, True, False, None)),
        "userType": rng.choice(("Member", "member", "Guest", None)),
        "department": rng.choice(texts),
        "country": rng.choice(texts),
        "usageLocation": rng.choice(("NL", "no", "NO", "BE", None)),
        "jobTitle": rng.choice(texts),
        "extensionAttribute1": rng.choice(texts),
        "onPremisesSyncEnabled": rng.choice((True, False, None)),
        "createdDateTime": rng.choice(
            (
                None,
                rng.choice(alphabet.CREATED[1:3] + alphabet.CREATED[4:]),
                stamp(rng, as_of),
                stamp(rng, as_of),
                stamp(rng, as_of),
            )
        ),
        "unknown": list(rng.choice(UNKNOWNS)),
    }
    user |= _licences(rng, shelf, as_of)
    if rng.random() < 0.5:
        user |= {"managedDevices": 2, "managedDeviceLastSyncDateTime": _sign_in(rng, as_of)}
    else:
        user["managedDevices"] = 0
    user |= use(rng, as_of)
    if rng.random() < 0.75:
        user["signInActivity"] = {name: _sign_in(rng, as_of) for name in sample(rng, SIGN_INS, 3)}
    # Guests have their mailbox in their own tenant.
    if rng.random() < 0.6 and "#EXT#" not in user["userPrincipalName"]:
        user["mailboxType"] = rng.choice(alphabet.MAILBOXES)
    return user


def _sign_in(rng: Random, as_of: datetime) -> str | None:
    return rng.choice((None, "", "0001-01-01T00:00:00Z")) if rng.random() < 0.3 else stamp(rng, as_of)


def _collected(user: Row, status: dict[str, str], not_collected: list[str]) -> Row:
    """The user without the facts that were not collected."""
    sources = {"signInActivity": "signInActivity", "mailboxType": "mailboxes"}
    missing = {
        *user["unknown"],
        *not_collected,
        *(fact for fact, source in sources.items() if status[source] in NOT_READ),
    }
    return {name: value for name, value in user.items() if name not in missing and (name != "unknown" or value)}


def _licences(rng: Random, shelf: Shelf, as_of: datetime) -> Row:
    held = sample(rng, shelf.held[-6:] if rng.random() < 0.2 else [*shelf.held[:6], *shelf.held[-2:]], 5)
    if rng.random() < 0.03:
        held = sample(rng, shelf.held, 40)
    held = list(dict.fromkeys(held))
    plans = [plan for plan, _name in PLANS]
    states = []
    for sku in held:
        for path in rng.choice(PATHS):
            row: Row = {
                "skuId": rng.choice((sku, sku.upper())),
                "disabledPlans": sample(rng, plans, 2),
                "state": rng.choice(("Active", "Active", "Active", "Active", "ActiveWithError", "Error", "Disabled")),
                "error": rng.choice((None, "None", "None", *alphabet.ERRORS)),
                "lastUpdatedDateTime": None if rng.random() < 0.1 else stamp(rng, as_of),
            }
            states.append(row if path is None and rng.random() < 0.5 else row | {"assignedByGroup": path})
    failed_sku = rng.choice(SKUS)[0]
    if rng.random() < 0.2 and failed_sku not in held:
        states.append({"skuId": failed_sku, "assignedByGroup": GROUP_IDS[2], "disabledPlans": [], "state": "Error",
                       "error": "CountViolation"})  # fmt: skip
    licences = [{"skuId": rng.choice((sku, sku.upper())), "disabledPlans": sample(rng, plans, 2)} for sku in held]
    return {"assignedLicenses": licences, "licenseAssignmentStates": states}
