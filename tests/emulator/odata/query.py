"""Parses OData query parameters; raises Graph's errors for unsupported ones (Graph: Use query parameters)."""

from msgspec import Struct

from tests.emulator.odata import filters
from tests.emulator.wire import GraphError, Request

USER_DEFAULTS = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
USER_MAILBOX = frozenset(
    {
        "aboutMe", "birthday", "hireDate", "interests", "mailboxSettings", "mySite", "pastProjects", "preferredName",
        "responsibilities", "schools", "skills",
    }
)  # fmt: skip
USER_NAMES = frozenset(
    {
        *USER_DEFAULTS, *USER_MAILBOX, "accountEnabled", "ageGroup", "assignedLicenses", "assignedPlans",
        "authorizationInfo", "city", "companyName", "consentProvidedForMinor", "country", "createdDateTime",
        "creationType", "customSecurityAttributes", "deletedDateTime", "department", "employeeHireDate", "employeeId",
        "employeeLeaveDateTime", "employeeOrgData", "employeeType", "externalUserState",
        "externalUserStateChangeDateTime", "faxNumber", "identities", "identityParentId", "imAddresses", "isManagementRestricted",
        "isResourceAccount", "lastPasswordChangeDateTime", "legalAgeGroupClassification", "licenseAssignmentStates",
        "mailNickname", "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesExtensionAttributes",
        "onPremisesImmutableId", "onPremisesLastSyncDateTime", "onPremisesProvisioningErrors",
        "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName", "otherMails", "passwordPolicies", "passwordProfile", "postalCode",
        "preferredDataLocation", "provisionedPlans", "proxyAddresses", "securityIdentifier",
        "serviceProvisioningErrors", "showInAddressList", "signInActivity", "signInSessionsValidFromDateTime", "state",
        "streetAddress", "usageLocation", "userType",
    }
)  # fmt: skip
GROUP_DEFAULTS = (
    "id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName", "expirationDateTime",
    "groupTypes", "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "membershipRule",
    "membershipRuleProcessingState", "onPremisesSyncEnabled", "proxyAddresses", "renewedDateTime", "securityEnabled",
    "securityIdentifier", "visibility",
)  # fmt: skip
GROUP_NAMES = frozenset(
    {
        *GROUP_DEFAULTS, "assignedLabels", "assignedLicenses", "hasMembersWithLicenseErrors", "licenseProcessingState",
        "onPremisesDomainName", "onPremisesLastSyncDateTime", "onPremisesNetBiosName", "onPremisesProvisioningErrors",
        "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "preferredDataLocation", "preferredLanguage",
        "serviceProvisioningErrors", "theme", "uniqueName",
    }
)  # fmt: skip
SKU_NAMES = frozenset(
    {
        "id", "accountId", "accountName", "appliesTo", "capabilityStatus", "consumedUnits", "prepaidUnits",
        "servicePlans", "skuId", "skuPartNumber", "subscriptionIds",
    }
)  # fmt: skip
NOT_FILTERABLE = {
    "user": frozenset({"licenseAssignmentStates", "signInSessionsValidFromDateTime", "passwordProfile", "aboutMe"}),
    "group": frozenset({"licenseProcessingState", "theme", "assignedLabels"}),
}
SUPPORTED = frozenset({"$select", "$filter", "$top", "$count", "$skiptoken"})
DEFAULT_PAGE = 100
MAXIMUM_PAGE = 999
SIGN_IN_PAGE = 500


class Query(Struct, frozen=True, kw_only=True):
    """A checked query on a directory collection; `size` is the page size that Graph uses for it."""

    names: tuple[str, ...]
    explicit: bool
    size: int
    count: bool
    filter: filters.Filter | None = None
    filter_text: str = ""
    skiptoken: str | None = None


class Kind(Struct, frozen=True, kw_only=True):
    """A resource type: its name in Graph, the properties returned without $select, and all its properties."""

    name: str
    defaults: tuple[str, ...]
    names: frozenset[str]


USER = Kind(name="user", defaults=USER_DEFAULTS, names=USER_NAMES)
GROUP = Kind(name="group", defaults=GROUP_DEFAULTS, names=GROUP_NAMES)
DIRECTORY_OBJECT = Kind(name="directoryObject", defaults=USER_DEFAULTS, names=USER_NAMES | GROUP_NAMES)
SKU = Kind(name="subscribedSku", defaults=(), names=SKU_NAMES)


def unsupported(message: str) -> GraphError:
    return GraphError(400, "Request_UnsupportedQuery", message)


def selection(request: Request, kind: Kind, *, single: bool) -> tuple[tuple[str, ...], bool]:
    """Return the selected properties and whether $select is present; raises GraphError for unknown names."""
    text = request.parameter("$select")
    if text is None:
        return kind.defaults, False
    canonical = {name.lower(): name for name in kind.names}
    names = []
    for raw in text.split(","):
        word = raw.strip()
        name = canonical.get(word.split("/", 1)[0].lower())
        if name is None:
            if not word or word == "*":
                raise GraphError(400, "BadRequest", "Parsing OData Select and Expand failed: Term '' is not valid.")
            message = f"Could not find a property named '{word}' on type 'microsoft.graph.{kind.name}'."
            raise GraphError(400, "BadRequest", f"Parsing OData Select and Expand failed: {message}")
        names.append(name)
    if kind in {USER, DIRECTORY_OBJECT} and not single and USER_MAILBOX.intersection(names):
        raise GraphError(501, "NotImplemented", "This operation target is not yet supported.")
    return tuple(dict.fromkeys(names)), True


def page_size(request: Request, names: tuple[str, ...]) -> int:
    """Return the page size: $top or 100, limited to 500 with signInActivity."""
    text = request.parameter("$top")
    if text is None:
        size = DEFAULT_PAGE
    else:
        try:
            size = int(text)
        except ValueError:
            raise GraphError(400, "BadRequest", f"Invalid value '{text}' for $top query option found.") from None
        if not 1 <= size <= MAXIMUM_PAGE:
            message = f"Invalid page size specified: '{size}'. Must be between 1 and {MAXIMUM_PAGE} inclusive."
            raise GraphError(400, "Request_UnsupportedQuery", message)
    return min(size, SIGN_IN_PAGE) if "signInActivity" in names else size


def parse(request: Request, kind: Kind) -> Query:
    """Parse a query on a collection of `kind`; raises GraphError 400 or 501 as Graph does."""
    for name, _ in request.query:
        if name == "$skip":
            raise GraphError(400, "Request_BadRequest", "'$skip' is not supported by the service.")
        if name.startswith("$") and name.lower() not in SUPPORTED:
            raise GraphError(400, "BadRequest", f"The query parameter '{name}' is not supported.")
    names, explicit = selection(request, kind, single=False)
    text = request.parameter("$filter")
    parsed_filter = filters.parse(text) if text is not None else None
    has_count = (request.parameter("$count") or "").lower() == "true" or request.path.endswith("/$count")
    advanced = request.eventual and has_count
    if parsed_filter is not None:
        _check_filter(parsed_filter, kind, advanced=advanced)
    return Query(
        names=names,
        explicit=explicit,
        size=page_size(request, names),
        count=advanced,
        filter=parsed_filter,
        filter_text=text or "",
        skiptoken=request.parameter("$skiptoken"),
    )


def _check_filter(parsed_filter: filters.Filter, kind: Kind, *, advanced: bool) -> None:
    for name in sorted(parsed_filter.properties):
        if name not in kind.names:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind.name}'."
            raise GraphError(400, "BadRequest", f"Invalid filter clause: {message}")
        if name in NOT_FILTERABLE[kind.name]:
            resource = kind.name.capitalize()
            message = (
                f"Unsupported or invalid query filter clause specified for property '{name}' of resource '{resource}'."
            )
            raise unsupported(message)
    if parsed_filter.advanced and not advanced:
        message = (
            f"Operator '{parsed_filter.advanced}' is not supported because the required parameters might be missing. "
        )
        raise unsupported(message + "Try adding the $count=true query parameter and ConsistencyLevel:eventual header.")
