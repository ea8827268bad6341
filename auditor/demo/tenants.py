"""Builds the snapshots of the demo's tenants, for the night before an instant and the night before that."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from auditor import __version__
from auditor.demo.access import access_objects
from auditor.demo.organisation import DemoGroup, Directory, Organisation, organisations
from auditor.demo.people import ConversionContext, assigned_products, graph_user, user_id
from auditor.demo.products import company_subscriptions, identifier, sku_id, subscribed_skus
from auditor.demo.usage import report_rows, usage_columns
from auditor.domain.enums import Cloud, Source, SourceStatus
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.result.model import Coverage
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.schema import ASKED_OF_SOURCE

_REQUESTED_COLUMNS = {
    **ASKED_OF_SOURCE,
    Source.USERS: EVERYTHING_ABOUT_USERS,
    Source.GROUPS: (
        *("assignedLicenses", "displayName", "groupTypes", "hasMembersWithLicenseErrors", "id", "isAssignableToRole"),
        *("licenseProcessingState", "mailEnabled", "membershipRule", "membershipRuleProcessingState", "nestedGroups"),
        *("onPremisesSyncEnabled", "securityEnabled", "visibility"),
    ),
}


def snapshots(as_of: datetime) -> tuple[Snapshot, ...]:
    """Return the tenants at the latest 02:17 UTC not after `as_of`.

    The snapshots of a night are always the same, and all dates are relative to the night, so that the demo looks the
    same every day.
    """
    reference = snapshot_instant(as_of)
    return tuple(_snapshot(organisation, reference, current=True) for organisation in organisations())


def previous(as_of: datetime) -> tuple[Snapshot, ...]:
    """Return the same tenants one night earlier; audit them as of the instant of their snapshots.

    Some findings have not appeared yet, and others are not resolved yet.
    """
    reference = snapshot_instant(as_of)
    return tuple(_snapshot(organisation, reference, current=False) for organisation in organisations())


def snapshot_instant(as_of: datetime) -> datetime:
    """Return the latest 02:17 UTC that is not after the instant."""
    instant = as_of.astimezone(UTC)
    scheduled = instant.replace(hour=2, minute=17, second=0, microsecond=0)
    return scheduled if scheduled <= instant else scheduled - timedelta(days=1)


@lru_cache(maxsize=4)
def _snapshot(organisation: Organisation, reference: datetime, *, current: bool) -> Snapshot:
    # Snapshots are immutable; the cache has room for both snapshots of both tenants.
    def group_id(name: str) -> str:
        return identifier("group", organisation.name, name)

    context = ConversionContext(
        tenant=organisation.name,
        company=organisation.company,
        domain=organisation.domain,
        reference=reference,
        instant=reference if current else reference - timedelta(days=1),
        group_id=group_id,
    )
    state = _graph_state(organisation, organisation.directory(current=current), context)
    manifest = Manifest(
        tenant=organisation.name,
        tenant_id=organisation.tenant_id,
        display_name=organisation.display_name,
        cloud=Cloud.WORLDWIDE,
        agreement=organisation.agreement,
        instant=context.instant,
        sources=_coverage(state, context.instant),
        tool_version=__version__,
    )
    identity = "/".join(
        ("demo", __version__, organisation.name, format_instant(reference), format_instant(context.instant))
    )
    return replace(snapshot_of(state, manifest), identity=identity)


def _graph_state(organisation: Organisation, directory: Directory, context: ConversionContext) -> dict[str, Any]:
    midnight = context.reference.replace(hour=0, minute=0)
    # Accounts created after the previous snapshot are missing in it.
    people = [
        person for person in directory.people if context.reference - timedelta(days=person.created) < context.instant
    ]
    present = Directory(people=tuple(people), groups=directory.groups)
    consumed = Counter(part for person in people for part in assigned_products(person))
    users = [{**graph_user(person, context), **usage_columns(person, context)} for person in people]
    return {
        "organization": [
            {
                "id": organisation.tenant_id,
                "displayName": organisation.display_name,
                "countryLetterCode": organisation.country,
                "defaultUsageLocation": organisation.country,
                "preferredLanguage": organisation.language,
                "tenantType": "AAD",
            }
        ],
        "users": users,
        "reports": report_rows(users, context.instant),
        "subscribedSkus": subscribed_skus(organisation.name, organisation.products, consumed),
        "subscriptions": company_subscriptions(organisation.name, organisation.products, midnight),
        "groups": [_group(group, present, context) for group in directory.groups],
        **access_objects(organisation, people, context),
    }


def _group(group: DemoGroup, directory: Directory, context: ConversionContext) -> dict[str, Any]:
    members = _members(group.name, directory, context)
    nested = [member for name in group.nested for member in _members(name, directory, context)]
    row: dict[str, Any] = {
        "id": context.group_id(group.name),
        "displayName": group.name,
        "assignedLicenses": [],
        "members": members,
        "transitiveMembers": sorted({*members, *nested}),
        "groupTypes": [] if group.rule is None else ["DynamicMembership"],
        "membershipRule": group.rule,
        "membershipRuleProcessingState": None if group.rule is None else "Paused" if group.paused else "On",
        "onPremisesSyncEnabled": group.synced or None,
        "mailEnabled": False,
        "securityEnabled": True,
        "memberCount": len(members) + len(group.nested),
        "nestedGroups": [context.group_id(name) for name in group.nested],
    }
    if group.part is not None:
        row["assignedLicenses"] = [{"skuId": sku_id(group.part)}]
        row["licenseProcessingState"] = {"state": group.state}
        row["hasMembersWithLicenseErrors"] = any(
            licence.error != "None"
            for person in directory.people
            for licence in person.licences
            if licence.group == group.name
        )
    return row


def _members(name: str, directory: Directory, context: ConversionContext) -> list[str]:
    return sorted(
        user_id(person, context)
        for person in directory.people
        if name in person.groups or any(licence.group == name for licence in person.licences)
    )


def _coverage(state: Mapping[str, Sequence[Mapping[str, Any]]], instant: datetime) -> tuple[Coverage, ...]:
    users, groups = state["users"], state["groups"]
    counts = {
        Source.ORGANIZATION: 1,
        Source.SUBSCRIBED_SKUS: len(state["subscribedSkus"]),
        Source.SUBSCRIPTIONS: len(state["subscriptions"]),
        Source.USERS: len(users),
        Source.SIGN_IN_ACTIVITY: sum(user["signInActivity"] is not None for user in users),
        Source.MAILBOXES: sum(user["mailboxType"] is not None for user in users),
        Source.GROUPS: len(groups),
        Source.MEMBERS: sum(len(group["members"]) for group in groups),
        Source.DIRECTORY_ROLES: len(state["roleAssignments"]) + len(state["roleEligibilityScheduleInstances"]),
        Source.CONDITIONAL_ACCESS: len(state["conditionalAccessPolicies"]),
        Source.DEVICES: sum(user["managedDevices"] for user in users),
        **{Source(row["source"]): row["rows"] for row in state["reports"]},
    }
    return tuple(
        Coverage(
            name=source,
            status=SourceStatus.COMPLETE,
            count=count,
            read_at=format_instant(instant + timedelta(seconds=4 * number)),
            asked=_REQUESTED_COLUMNS.get(source, ()),
        )
        for number, (source, count) in enumerate(counts.items(), start=1)
    )
