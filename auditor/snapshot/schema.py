"""Defines the columns of every file of a snapshot, with Graph's property names (docs/snapshot.md)."""

from collections.abc import Container, Iterable
from itertools import product

import pyarrow as pa

from auditor.arrays.instants import INSTANT
from auditor.domain.enums import Source
from auditor.domain.policy.selector import APPS as APPS  # noqa: PLC0414 - the bits of app usage columns
from auditor.domain.policy.selector import PLATFORMS as PLATFORMS  # noqa: PLC0414
from auditor.domain.policy.selector import TEXT_PROPERTIES

SCHEMA = "auditor/snapshot/v1"

_TEXT = pa.string()
_CODE = pa.dictionary(pa.int32(), pa.string())
_DAY = pa.date32()
_TEXTS = pa.list_(pa.string())

SIGN_IN_COLUMNS = ("lastSignInDateTime", "lastNonInteractiveSignInDateTime", "lastSuccessfulSignInDateTime")

SERVICE_COLUMNS = {
    "exchange": "exchangeLastActivityDate",
    "onedrive": "oneDriveLastActivityDate",
    "sharepoint": "sharePointLastActivityDate",
    "skype": "skypeForBusinessLastActivityDate",
    "yammer": "yammerLastActivityDate",
    "teams": "teamsLastActivityDate",
}
"""Service → the column with its last activity, for the source `usage`."""
APP_USAGE_COLUMNS = {period: f"appUsage{period}" for period in ("D7", "D30", "D90", "D180")}
"""Period → the column with the apps used in it, for the source `appUsage`.

Bit `PLATFORMS.index(platform) * len(APPS) + APPS.index(app)` is set if the app was used on that platform.
"""
ACTIVITY_COLUMNS = {**SERVICE_COLUMNS, "copilot": "copilotLastActivityDate"}
"""Service of `inactiveIn` → the column with its last activity."""
REPORT_COLUMNS = {
    Source.USAGE: tuple(SERVICE_COLUMNS.values()),
    Source.COPILOT_USAGE: ("copilotLastActivityDate",),
    Source.APP_USAGE: tuple(APP_USAGE_COLUMNS.values()),
    Source.MAILBOX_USAGE: ("mailboxStorageUsed", "mailboxHasArchive"),
}
"""The columns that each usage report fills; the `asked` of a source's coverage lists those that the report had."""
SOURCE_OF_COLUMN = {column: source for source, columns in REPORT_COLUMNS.items() for column in columns}

DEVICE_COLUMNS = ("managedDevices", "managedDeviceLastSyncDateTime")
COLUMNS_OF_SOURCE = {
    Source.SIGN_IN_ACTIVITY: SIGN_IN_COLUMNS,
    Source.MAILBOXES: ("mailboxType",),
    Source.DEVICES: DEVICE_COLUMNS,
}
"""Source → the columns of users that it fills and that are read together; usage reports are in REPORT_COLUMNS."""


def _fields(kind: pa.DataType, *names: str) -> Iterable[pa.Field]:
    return (pa.field(name, kind) for name in names)


USERS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        *(pa.field(name, _TEXT) for name in TEXT_PROPERTIES if name not in {"id", "mailboxType"}),
        *_fields(pa.bool_(), "accountEnabled", "onPremisesSyncEnabled"),
        pa.field("createdDateTime", INSTANT),
        *_fields(INSTANT, *SIGN_IN_COLUMNS),
        pa.field("mailboxType", _TEXT),
        # The day of the last activity; null if there is none, or no row in the report: `notCollected` has `usage` then.
        *_fields(_DAY, *SERVICE_COLUMNS.values()),
        # The last day in any app; null if none, or no row in the report: `notCollected` has `copilotUsage` then.
        pa.field("copilotLastActivityDate", _DAY),
        # Apps and platforms as bits; null if there is no row in the report of the period.
        *_fields(pa.int32(), *APP_USAGE_COLUMNS.values()),
        # Bytes, and whether there is an archive; null if the report has no such row or no such column.
        pa.field("mailboxStorageUsed", pa.int64()),
        pa.field("mailboxHasArchive", pa.bool_()),
        # Devices with a managementAgent other than eas, msSense and unknown, and the last synchronisation of one.
        pa.field("managedDevices", pa.int32()),
        pa.field("managedDeviceLastSyncDateTime", INSTANT),
        # Whether the object is the user of an agent (#microsoft.graph.agentUser, or an identityParentId).
        pa.field("agent", pa.bool_()),
        # Facts that were not collected for this user: property names, `signInActivity`, `mailboxType`, `usage`,
        # `copilotUsage`.
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
        # From assignedLicenses; equal on every row of one user and SKU.
        pa.field("disabledPlans", _TEXTS),
        # From one entry of licenseAssignmentStates; all null if the SKU has no entry.
        *_fields(_CODE, "state", "assignedByGroup", "error"),
        pa.field("pathDisabledPlans", _TEXTS),
        pa.field("lastUpdatedDateTime", INSTANT),
    ]
)
"""One row per (user, SKU, path); row group k holds the assignments of the users of row group k of users.parquet."""

PRODUCTS = pa.schema(
    [
        pa.field("skuId", _TEXT, nullable=False),
        *_fields(_TEXT, "skuPartNumber", "appliesTo", "capabilityStatus"),
        *_fields(pa.int64(), "enabled", "warning", "suspended", "lockedOut", "consumed"),
        pa.field("subscriptionIds", _TEXTS),
    ]
)

SERVICE_PLANS = pa.schema(
    [
        pa.field("skuId", _TEXT, nullable=False),
        pa.field("servicePlanId", _TEXT, nullable=False),
        *_fields(_TEXT, "servicePlanName", "provisioningStatus", "appliesTo"),
    ]
)

SUBSCRIPTIONS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        *_fields(_TEXT, "commerceSubscriptionId", "skuId", "skuPartNumber", "status"),
        pa.field("isTrial", pa.bool_()),
        pa.field("totalLicenses", pa.int64()),
        *_fields(INSTANT, "createdDateTime", "nextLifecycleDateTime"),
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
        # How completely the two member lists were read: complete, partial, denied, unavailable, not-needed.
        *_fields(_TEXT, "membersStatus", "transitiveMembersStatus"),
        # Decide whether users can be added and removed; groupTypes is null if they were not read, as in version 0.2.
        pa.field("groupTypes", _TEXTS),
        *_fields(_TEXT, "membershipRule", "membershipRuleProcessingState"),
        *_fields(pa.bool_(), "onPremisesSyncEnabled", "isAssignableToRole", "mailEnabled", "securityEnabled"),
        pa.field("visibility", _TEXT),
        # Direct members of any kind, and the ids of the groups among them; null if unknown.
        pa.field("memberCount", pa.int64()),
        pa.field("nestedGroups", _TEXTS),
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
        *_fields(_TEXT, "displayName", "countryLetterCode", "defaultUsageLocation", "preferredLanguage", "tenantType"),
    ]
)

REPORTS = pa.schema(
    [
        # The source that the report fills, the requested period, the last day with data, and the number of rows.
        pa.field("source", _TEXT, nullable=False),
        pa.field("period", _TEXT, nullable=False),
        pa.field("refreshDate", _DAY),
        pa.field("rows", pa.int64()),
    ]
)
"""One row per usage report that was read."""

ROLE_DEFINITIONS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        *_fields(_TEXT, "templateId", "displayName"),
        pa.field("isBuiltIn", pa.bool_()),
    ]
)

ROLE_ASSIGNMENTS = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        # A user or a group; the members of groups are in `members`.
        pa.field("principalId", _TEXT, nullable=False),
        pa.field("roleDefinitionId", _TEXT, nullable=False),
        pa.field("directoryScopeId", _TEXT),
        # False: a row of roleAssignments; true: a row of roleEligibilityScheduleInstances.
        pa.field("eligible", pa.bool_(), nullable=False),
    ]
)

CONDITIONAL_ACCESS_POLICIES = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        *_fields(_TEXT, "displayName", "state"),
        *(
            pa.field(f"{side}{kind}", _TEXTS)
            for side in ("include", "exclude")
            for kind in ("Users", "Groups", "Roles", "GuestOrExternalUserTypes")
        ),
        # `all` or `enumerated` from externalTenants, if the policy includes or excludes guests or external users.
        *_fields(_TEXT, "includeExternalTenants", "excludeExternalTenants"),
        *_fields(_TEXTS, "userRiskLevels", "signInRiskLevels"),
    ]
)

ROLE_ASSIGNMENT_LISTS = {False: "roleAssignments", True: "roleEligibilityScheduleInstances"}
"""In the `asked` of the coverage of `directoryRoles`: all active (False) or all eligible (True) ones were read."""
ROLE_DEFINITION_LIST = "roleDefinitions"
"""In the `asked` of the coverage of `directoryRoles`: all role definitions were read."""
CONDITIONAL_ACCESS_LIST = "policies"
"""In the `asked` of the coverage of `conditionalAccess`: all policies were read."""
ASKED_OF_SOURCE = {
    **REPORT_COLUMNS,
    Source.DEVICES: DEVICE_COLUMNS,
    Source.DIRECTORY_ROLES: (ROLE_ASSIGNMENT_LISTS[False], ROLE_DEFINITION_LIST, ROLE_ASSIGNMENT_LISTS[True]),
    Source.CONDITIONAL_ACCESS: (CONDITIONAL_ACCESS_LIST,),
}
"""Source that only some policies need → the `asked` of its coverage if all of it was read."""

REQUIRED_TABLES = {
    "products": PRODUCTS,
    "service_plans": SERVICE_PLANS,
    "subscriptions": SUBSCRIPTIONS,
    "groups": GROUPS,
    "members": MEMBERS,
    "organization": ORGANIZATION,
}
"""Tables that every snapshot has a file for."""

OPTIONAL_TABLES = {
    "reports": REPORTS,
    "role_definitions": ROLE_DEFINITIONS,
    "role_assignments": ROLE_ASSIGNMENTS,
    "conditional_access_policies": CONDITIONAL_ACCESS_POLICIES,
}
"""Tables that a snapshot has a file for only if they have rows."""

SMALL_TABLES = {**REQUIRED_TABLES, **OPTIONAL_TABLES}
"""Tables that are read completely (members only if there are few)."""

ADDED_COLUMNS = {"groups": tuple(GROUPS.names[GROUPS.get_field_index("groupTypes") :])}
"""Columns of required tables that are missing from snapshots of version 0.2 and older."""

FILES = ("users", "assignments", *REQUIRED_TABLES)
"""Files that every snapshot has."""

USERS_PER_ROW_GROUP = 131_072
"""Users per row group: large enough for vectorised operations, small enough for constant memory use."""

MEMBERS_PER_ROW_GROUP = 16_384
"""Members per row group of a large table; an audit keeps only the members of groups that policies name."""


def app_bits(apps: Iterable[str], platforms: Iterable[str]) -> int:
    """Return the bits of these apps on these platforms in an app usage column."""
    pairs = {(PLATFORMS.index(platform), APPS.index(app)) for app, platform in product(apps, platforms)}
    return sum(1 << platform * len(APPS) + app for platform, app in pairs)


def users_schema(filled: Container[str]) -> pa.Schema:
    """Return the users schema without the columns of properties and optional sources that are not in `filled`."""
    always = {"id", "notCollected", *SIGN_IN_COLUMNS, "mailboxType"}
    return pa.schema([field for field in USERS if field.name in always or field.name in filled])


def with_added_columns(table: pa.Table, name: str) -> pa.Table:
    """Return a table of an older snapshot, extended by the columns added to its schema since, all null."""
    for field in SMALL_TABLES[name]:
        if field.name in ADDED_COLUMNS.get(name, ()) and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table
