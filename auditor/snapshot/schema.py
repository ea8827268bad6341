"""The columns of every file of a snapshot, with Graph's property names (docs/snapshot.md)."""

import pyarrow as pa

from auditor.domain.selector import TEXT_PROPERTIES, USER_PROPERTIES

SCHEMA = "auditor/snapshot/v1"

_TEXT = pa.string()
_CODE = pa.dictionary(pa.int32(), pa.string())
_INSTANT = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())

SIGN_IN_COLUMNS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")

USERS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        *(pa.field(name, _TEXT) for name in TEXT_PROPERTIES if name not in {"id", "mailboxType"}),
        pa.field("accountEnabled", pa.bool_()),
        pa.field("onPremisesSyncEnabled", pa.bool_()),
        pa.field("createdDateTime", _INSTANT),
        *(pa.field(name, _INSTANT) for name in SIGN_IN_COLUMNS),
        pa.field("mailboxType", _TEXT),
        # Facts that were not collected for this one user: property names, `signInActivity`, `mailboxType`.
        pa.field("notCollected", _TEXTS),
    ]
)
"""One row per user, sorted by id; a column that was not requested may be missing from the file."""

ASSIGNMENTS = pa.schema(
    [
        # The row number of the user in users.parquet; rows are in its order.
        pa.field("user", pa.int64(), nullable=False),
        pa.field("skuId", _CODE, nullable=False),
        pa.field("held", pa.bool_(), nullable=False),
        # What assignedLicenses says of this SKU; the same on every row of one user and SKU.
        pa.field("disabledPlans", _TEXTS),
        # What one entry of licenseAssignmentStates says; all null where the SKU has no entry.
        pa.field("state", _CODE),
        pa.field("assignedByGroup", _CODE),
        pa.field("error", _CODE),
        pa.field("pathDisabledPlans", _TEXTS),
        pa.field("lastUpdatedDateTime", _INSTANT),
    ]
)
"""One row per (user, SKU, path); row group k holds the assignments of the users of row group k of users.parquet."""

PRODUCTS = pa.schema(
    [
        pa.field("skuId", _TEXT, nullable=False),
        pa.field("skuPartNumber", _TEXT),
        pa.field("appliesTo", _TEXT),
        pa.field("capabilityStatus", _TEXT),
        pa.field("enabled", pa.int64()),
        pa.field("warning", pa.int64()),
        pa.field("suspended", pa.int64()),
        pa.field("lockedOut", pa.int64()),
        pa.field("consumed", pa.int64()),
        pa.field("subscriptionIds", _TEXTS),
    ]
)

SERVICE_PLANS = pa.schema(
    [
        pa.field("skuId", _TEXT, nullable=False),
        pa.field("servicePlanId", _TEXT, nullable=False),
        pa.field("servicePlanName", _TEXT),
        pa.field("provisioningStatus", _TEXT),
        pa.field("appliesTo", _TEXT),
    ]
)

SUBSCRIPTIONS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        pa.field("commerceSubscriptionId", _TEXT),
        pa.field("skuId", _TEXT),
        pa.field("skuPartNumber", _TEXT),
        pa.field("status", _TEXT),
        pa.field("isTrial", pa.bool_()),
        pa.field("totalLicenses", pa.int64()),
        pa.field("createdDateTime", _INSTANT),
        pa.field("nextLifecycleDateTime", _INSTANT),
        pa.field("ownerTenantId", _TEXT),
    ]
)

GROUPS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        pa.field("displayName", _TEXT),
        pa.field("assignedLicenses", _TEXTS),
        pa.field("licenseProcessingState", _TEXT),
        pa.field("hasMembersWithLicenseErrors", pa.bool_()),
        # How far the two member lists of this group were read: complete, partial, denied, unavailable, not-needed.
        pa.field("membersStatus", _TEXT),
        pa.field("transitiveMembersStatus", _TEXT),
    ]
)

MEMBERS = pa.schema(
    [
        pa.field("groupId", _TEXT, nullable=False),
        pa.field("userId", _TEXT, nullable=False),
        # False: a row of /members; true: a row of /transitiveMembers.
        pa.field("transitive", pa.bool_(), nullable=False),
    ]
)

ORGANIZATION = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        pa.field("displayName", _TEXT),
        pa.field("countryLetterCode", _TEXT),
        pa.field("defaultUsageLocation", _TEXT),
        pa.field("preferredLanguage", _TEXT),
        pa.field("tenantType", _TEXT),
    ]
)

SMALL_TABLES = {
    "products": PRODUCTS,
    "service_plans": SERVICE_PLANS,
    "subscriptions": SUBSCRIPTIONS,
    "groups": GROUPS,
    "members": MEMBERS,
    "organization": ORGANIZATION,
}
"""Tables that are read completely (members only if there are few)."""

FILES = ("users", "assignments", *SMALL_TABLES)

USERS_PER_ROW_GROUP = 131_072
"""Users per row group: large enough for vectorised operations, small enough for flat memory."""

MEMBERS_PER_ROW_GROUP = 16_384
"""Members per row group of a large table: an audit keeps those of the groups that policies name."""


def users_schema(requested: tuple[str, ...]) -> pa.Schema:
    """Return the users schema limited to the columns whose properties were requested."""
    always = {"id", "notCollected"}
    selected = always | set(requested)
    return pa.schema([field for field in USERS if field.name in selected or field.name not in USER_PROPERTIES])
