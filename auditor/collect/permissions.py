"""Needs into the application permissions that they take, no more, with the ids of their app roles."""

from dataclasses import dataclass

from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """An application permission of Microsoft Graph."""

    name: str
    role_id: str
    """The id of its app role in the service principal of Microsoft Graph, the same in every tenant."""
    also: tuple[str, ...] = ()
    """Permissions that include it."""
    sources: tuple[Source, ...] = ()
    """What it is needed for."""


LICENSES = Permission(
    name="LicenseAssignment.Read.All",
    role_id="e2f98668-2877-4f38-a2f4-8202e0717aa1",
    also=(
        "Organization.Read.All",
        "Directory.Read.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.ReadWrite.All",
        "Directory.ReadWrite.All",
    ),
    sources=(Source.SUBSCRIBED_SKUS,),
)
ORGANIZATION = Permission(
    name="Organization.Read.All",
    role_id="498476ce-e0fe-48b0-b801-37ba7e2685c6",
    also=("Directory.Read.All", "Organization.ReadWrite.All", "Directory.ReadWrite.All"),
    sources=(Source.ORGANIZATION, Source.SUBSCRIPTIONS),
)
USERS = Permission(
    name="User.Read.All",
    role_id="df021288-bdef-4463-88db-98f22de89214",
    also=("Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
    sources=(Source.USERS, Source.SIGN_IN_ACTIVITY, Source.MAILBOXES),
)
AUDIT_LOG = Permission(
    name="AuditLog.Read.All",
    role_id="b0afded3-3588-46d8-8b3d-9842eff778da",
    sources=(Source.SIGN_IN_ACTIVITY,),
)
GROUP_MEMBERS = Permission(
    name="GroupMember.Read.All",
    role_id="98830695-27a2-44f7-8c18-0c3ebc9698f6",
    also=(
        "Group.Read.All",
        "Directory.Read.All",
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ),
    sources=(Source.GROUPS, Source.MEMBERS),
)
MAILBOXES = Permission(
    name="MailboxSettings.Read",
    role_id="40f97065-369a-49f4-947c-6a255697ae91",
    also=("MailboxSettings.ReadWrite",),
    sources=(Source.MAILBOXES,),
)
SEND_MAIL = Permission(name="Mail.Send", role_id="b633e1c5-b582-4048-a93e-9f11b44c7e96")

READING = (LICENSES, ORGANIZATION, USERS, AUDIT_LOG, GROUP_MEMBERS, MAILBOXES)
"""Every permission that a collection can need; a test counts them."""


def permissions(needs: Needs, *, mail: bool = False) -> tuple[Permission, ...]:
    """Return the least permissions for what is needed, and for sending mail where that is asked for."""
    found = [permission for permission in READING if needs.sources.intersection(permission.sources)]
    return (*found, SEND_MAIL) if mail else tuple(found)


def missing(wanted: tuple[Permission, ...], roles: tuple[str, ...]) -> tuple[Permission, ...]:
    """Return what the roles of a token do not cover."""
    held = set(roles)
    return tuple(item for item in wanted if not held.intersection((item.name, *item.also)))


def excessive(wanted: tuple[Permission, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return roles of a token that nothing wanted needs, or that allow more than the least one that would do."""
    return tuple(sorted(set(roles) - {item.name for item in wanted}))
