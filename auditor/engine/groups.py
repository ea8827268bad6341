"""Licensed groups: the facts of one group and its members, from a row of groups.parquet."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from auditor.domain.enums import SourceStatus


class GroupFact(Struct, frozen=True, kw_only=True):
    """The facts of one group and its members."""

    id: str
    name: str
    sku_ids: tuple[str, ...]
    processing_state: str | None
    has_errors: bool | None
    members_status: SourceStatus
    transitive_members_status: SourceStatus
    types: tuple[str, ...] | None
    """Graph's `groupTypes`; None if they were not read."""
    membership_rule: str | None
    membership_rule_state: str | None
    """Graph's `membershipRuleProcessingState`: `On` or `Paused`."""
    on_premises_synced: bool
    role_assignable: bool
    mail_enabled: bool | None
    hidden_membership: bool
    member_count: int | None
    """Direct members of any kind."""
    nested_groups: tuple[str, ...] | None
    """Ids of the groups among the direct members."""

    @property
    def dynamic(self) -> bool | None:
        """Whether membership is dynamic, that is, decided by a rule; None if the group types were not read."""
        return None if self.types is None else any(kind.casefold() == "dynamicmembership" for kind in self.types)


def group_of(row: Mapping[str, Any]) -> GroupFact:
    """Return the group of a row of groups.parquet."""
    types, nested = row["groupTypes"], row["nestedGroups"]
    return GroupFact(
        id=row["id"],
        name=row["displayName"] or "",
        sku_ids=tuple(row["assignedLicenses"] or ()),
        processing_state=row["licenseProcessingState"],
        has_errors=row["hasMembersWithLicenseErrors"],
        members_status=SourceStatus(row["membersStatus"] or "not-needed"),
        transitive_members_status=SourceStatus(row["transitiveMembersStatus"] or "not-needed"),
        types=None if types is None else tuple(types),
        membership_rule=row["membershipRule"],
        membership_rule_state=row["membershipRuleProcessingState"],
        on_premises_synced=row["onPremisesSyncEnabled"] is True,
        role_assignable=row["isAssignableToRole"] is True,
        mail_enabled=row["mailEnabled"],
        hidden_membership=(row["visibility"] or "").casefold() == "hiddenmembership",
        member_count=row["memberCount"],
        nested_groups=None if nested is None else tuple(nested),
    )
