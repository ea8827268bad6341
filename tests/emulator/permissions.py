"""Checks the roles of an access token against the application permissions of each operation."""

from collections.abc import Collection

from tests.emulator.wire import GraphError

DIRECTORY = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
USERS = DIRECTORY | {"User.Read.All", "User.ReadWrite.All"}
GROUPS = DIRECTORY | {"Group.Read.All", "Group.ReadWrite.All"}

SUFFICIENT: dict[str, frozenset[str]] = {
    "skus": DIRECTORY
    | {
        "LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", "Organization.Read.All",
        "Organization.ReadWrite.All",
    },
    "subscriptions": DIRECTORY | {"Organization.Read.All", "Organization.ReadWrite.All"},
    "organization": USERS | {"Organization.Read.All", "Organization.ReadWrite.All"},
    "users": USERS | {"User.ReadBasic.All"},
    "groups": GROUPS | {"GroupMember.Read.All", "GroupMember.ReadWrite.All"},
    "members": GROUPS | {"GroupMember.Read.All", "GroupMember.ReadWrite.All"},
    "memberOf": GROUPS | {"GroupMember.Read.All"},
    "mailbox": frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"}),
    "reports": frozenset({"Reports.Read.All"}),
    "getByIds": USERS | GROUPS,
    "devices": frozenset(
        {"DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"}
    ),
    "sendMail": frozenset({"Mail.Send"}),
    "messages": frozenset({"Mail.ReadWrite"}),
    "assignUser": frozenset({"LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}),
    "assignGroup": frozenset({"LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}),
    "updateUser": frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"}),
    "changeMembers": frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}),
    "roles": frozenset({"RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"})
    | DIRECTORY,
    "eligibleRoles": frozenset(
        {"RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.Read.Directory"}
    ),
    "conditionalAccess": frozenset({"Policy.Read.All"}),
    "batch": frozenset(),
}  # fmt: skip
SIGN_IN = frozenset({"AuditLog.Read.All"})
BASIC_NAMES = frozenset(
    {"id", "displayName", "givenName", "surname", "userPrincipalName", "mail", "securityIdentifier"}
)
MAIL_CALLS = frozenset({"mailbox", "sendMail", "messages"})


def denied() -> GraphError:
    """Return the error of the directory for a missing permission."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def check(call: str, roles: Collection[str]) -> None:
    """Raise GraphError 403 unless the roles include one of the call's permissions."""
    sufficient = SUFFICIENT[call]
    if not sufficient or sufficient.intersection(roles):
        return
    if call in MAIL_CALLS:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    if call == "reports":
        raise GraphError(403, "S2SUnauthorized", "Invalid permission.")
    if call == "eligibleRoles":
        raise GraphError(
            403, "PermissionScopeNotGranted", "Authorization failed due to missing permission scope.", bare=True
        )
    raise denied()


def check_sign_in(roles: Collection[str], *, premium: bool) -> None:
    """Raise GraphError 403 if signInActivity may not be read: a role or the tenant's premium licence is missing."""
    if not premium:
        message = "Neither tenant is B2C or tenant doesn't have premium license"
        raise GraphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", message)
    if not SIGN_IN.intersection(roles) or not USERS.intersection(roles):
        raise denied()


def readable(names: Collection[str], roles: Collection[str]) -> frozenset[str] | None:
    """Return the user properties that the roles can read; None for all."""
    return None if USERS.intersection(roles) else BASIC_NAMES.intersection(names)
