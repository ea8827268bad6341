"""The data that policies need: sources, properties, groups. The least permissions are derived from it."""

from collections.abc import Iterable

from msgspec import Struct

from auditor.domain.enums import Source
from auditor.domain.policy.selector import GRAPH_PROPERTIES, USER_PROPERTIES


class Needs(Struct, frozen=True, kw_only=True):
    """The facts to collect; all fields are sorted, so equal policies have equal needs."""

    sources: frozenset[Source] = frozenset()
    user_properties: tuple[str, ...] = ()
    """Properties of Graph's users to select, including `id` and names."""
    groups: tuple[str, ...] = ()
    """Groups named by policies, as written (id or display name), of which direct members are needed."""
    transitive_groups: tuple[str, ...] = ()
    """Groups named by policies, as written, of which transitive members are needed."""
    licensed_groups: bool = False
    """Whether all licensed groups, their processing state and errors are needed."""
    licensed_members: bool = False
    """Whether the direct members of all licensed groups are needed; with `licensed_groups` only."""
    nested_groups: bool = False
    """Whether the groups among the direct members of all licensed groups are needed; with `licensed_groups` only."""
    app_usage_periods: tuple[str, ...] = ()
    """Periods of the report of apps: `D7`, `D30`, `D90`, `D180`."""
    eligible_roles: bool = False
    """Whether eligible role assignments are needed beside active ones."""

    def union(self, *others: "Needs") -> "Needs":
        """Return the union of the needs."""
        return Needs.of((self, *others))

    @classmethod
    def of(cls, parts: Iterable["Needs"]) -> "Needs":
        """Return the union of many needs in linear time."""
        needs = list(parts)
        return cls(
            sources=frozenset().union(*(part.sources for part in needs)),
            user_properties=tuple(sorted({name for part in needs for name in part.user_properties})),
            groups=tuple(sorted({name for part in needs for name in part.groups})),
            transitive_groups=tuple(sorted({name for part in needs for name in part.transitive_groups})),
            licensed_groups=any(part.licensed_groups for part in needs),
            licensed_members=any(part.licensed_members for part in needs),
            nested_groups=any(part.nested_groups for part in needs),
            app_usage_periods=tuple(sorted({period for part in needs for period in part.app_usage_periods})),
            eligible_roles=any(part.eligible_roles for part in needs),
        )


EVERYTHING_ABOUT_USERS = tuple(
    sorted(
        {GRAPH_PROPERTIES.get(name, name) for name in USER_PROPERTIES if name != "mailboxType"}
        | {"assignedLicenses", "licenseAssignmentStates"}
    )
)
"""The user properties of `collect --all`, without sign-in activity and mailbox types, which are separate sources."""
