"""What a set of policies needs to know: sources, properties, groups, and so the least permissions."""

from collections.abc import Iterable
from dataclasses import dataclass

from auditor.domain.enums import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The facts to collect; everything is sorted, so that equal policies give equal needs."""

    sources: frozenset[Source] = frozenset()
    user_properties: tuple[str, ...] = ()
    """Graph properties of users to select, `id` and the names people are called by included."""
    groups: tuple[str, ...] = ()
    """Groups named by policies, as written (id or display name), of which direct members are needed."""
    transitive_groups: tuple[str, ...] = ()
    """The same for transitive members."""
    licensed_groups: bool = False
    """Whether all licensed groups, their processing state and errors are needed."""
    licensed_members: bool = False
    """Whether the direct members of all licensed groups are needed; with `licensed_groups` only."""

    def union(self, *others: "Needs") -> "Needs":
        """Return what all need together."""
        return Needs.of((self, *others))

    @classmethod
    def of(cls, parts: Iterable["Needs"]) -> "Needs":
        """Return what some parts need together, in time proportional to all of them."""
        every = list(parts)
        return cls(
            sources=frozenset().union(*(part.sources for part in every)),
            user_properties=tuple(sorted({name for part in every for name in part.user_properties})),
            groups=tuple(sorted({name for part in every for name in part.groups})),
            transitive_groups=tuple(sorted({name for part in every for name in part.transitive_groups})),
            licensed_groups=any(part.licensed_groups for part in every),
            licensed_members=any(part.licensed_members for part in every),
        )


EVERYTHING_ABOUT_USERS = (
    "accountEnabled",
    "assignedLicenses",
    "city",
    "companyName",
    "country",
    "createdDateTime",
    "department",
    "displayName",
    "employeeType",
    "id",
    "jobTitle",
    "licenseAssignmentStates",
    "mail",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesSyncEnabled",
    "usageLocation",
    "userPrincipalName",
    "userType",
)
"""The user properties of `collect --all`, sign-in activity aside (it is a source of its own)."""
