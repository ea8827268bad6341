"""What a set of policies needs to know: sources, properties, groups, and so the least permissions."""

from dataclasses import dataclass

from auditor.domain.words import Source


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

    def union(self, other: "Needs") -> "Needs":
        """Return what both need together."""
        return Needs(
            sources=self.sources | other.sources,
            user_properties=tuple(sorted({*self.user_properties, *other.user_properties})),
            groups=tuple(sorted({*self.groups, *other.groups})),
            transitive_groups=tuple(sorted({*self.transitive_groups, *other.transitive_groups})),
            licensed_groups=self.licensed_groups or other.licensed_groups,
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
