"""The state of a tenant, which handlers read and change, and its JSON format."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from msgspec import Struct, field

from tests.emulator.tenant import products
from tests.emulator.tenant.access_lists import AccessLists
from tests.emulator.tenant.late_effects import LateEffects
from tests.emulator.tenant.people import ListedPeople, People

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
READ_ROLES = ("LicenseAssignment.Read.All", "Organization.Read.All", "User.Read.All", "GroupMember.Read.All")
ALL_ROLES = (
    *READ_ROLES, "DeviceManagementManagedDevices.Read.All", "AuditLog.Read.All", "MailboxSettings.Read", "Reports.Read.All", "ReportSettings.Read.All", "Mail.Send", "RoleManagement.Read.Directory", "Policy.Read.All",
)  # fmt: skip


class Secret(Struct, frozen=True, kw_only=True):
    """A client secret; `expires` is an instant in seconds since the epoch."""

    value: str
    expires: float | None = None


class Federated(Struct, frozen=True, kw_only=True):
    """A federated identity credential; all three fields are case-sensitive."""

    subject: str
    issuer: str = GITHUB_ISSUER
    audience: str = EXCHANGE_AUDIENCE


class App(Struct, kw_only=True):
    """An app registration with the roles of its service principal; `certificates` are in PEM format."""

    client_id: str
    name: str = "auditor"
    roles: tuple[str, ...] = ALL_ROLES
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[str, ...] = ()
    federated: tuple[Federated, ...] = ()


class Group(Struct, kw_only=True):
    """A group; `members` are ids, `members_with_errors` those with licence errors (None: computed from the users)."""

    document: dict[str, Any]
    members: Sequence[str] = ()
    members_with_errors: Sequence[str] | None = None

    @property
    def id(self) -> str:
        return str(self.document["id"])


class Usage(Struct, kw_only=True):
    """Content of a tenant's usage reports, in addition to the values generated from each person's position."""

    refreshed: date | None = None
    """The refresh date of every report; None for two days ago."""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By user principal name: `exchange` … `teams` and `copilot` (ISO dates or None), `apps` {app: [platforms]},
    `mailbox` {size: bytes, archive: bool}, `report`: "none" for no rows at all, `without`: [reports without a row]."""
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """By report: rows written after those of the people."""
    files: dict[str, bytes] = field(default_factory=dict)
    """By report: a file that is served instead of the generated one."""
    cache: dict[tuple[str, str, int, bool], bytes] = field(default_factory=dict)


class Tenant(Struct, kw_only=True):
    """A tenant's state; after a change call `touch`, so that no stale page is served from the cache."""

    tenant_id: str
    name: str
    people: People
    domain: str = "contoso.example"
    organization: dict[str, Any] = field(default_factory=dict)
    skus: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    devices: list[dict[str, Any]] | None = field(default_factory=list)
    """The managed devices; None if the tenant has no Intune."""
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    mailboxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    report_settings: dict[str, Any] = field(default_factory=lambda: {"displayConcealedNames": False})
    usage: Usage = field(default_factory=Usage)
    premium: bool = True
    audience: str = "https://graph.microsoft.com"
    token_lifetime: int = 3599
    throttled: bool = False
    access: AccessLists = field(default_factory=AccessLists)
    sent: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0
    late: LateEffects = field(default_factory=LateEffects)

    def touch(self) -> None:
        """Invalidate the cached pages of this tenant."""
        self.version += 1

    def app(self, client_id: str) -> App | None:
        return self.apps.get(client_id.lower())

    def register(self, app: App) -> App:
        self.apps[app.client_id.lower()] = app
        return app

    def sku(self, sku_id: str) -> dict[str, Any] | None:
        """Return the subscribed SKU with that skuId, ignoring letter case."""
        return next((row for row in self.skus if str(row["skuId"]).lower() == sku_id.lower()), None)

    def group(self, key: str) -> Group | None:
        return self.groups.get(key.lower())

    def member(self, key: str) -> tuple[str, dict[str, Any] | int] | None:
        """Return the type of the object with an id, and its position (users) or its document (other objects)."""
        position = self.people.find(key)
        if position is not None:
            return "user", position
        group = self.group(key)
        if group is not None:
            return "group", group.document
        document = self.others.get(key.lower())
        return (str(document["@odata.type"]).removeprefix("#microsoft.graph."), document) if document else None

    def count_seats(self) -> None:
        """Set consumedUnits from the users' assignedLicenses: one seat per person and SKU."""
        consumed: dict[str, int] = {}
        for position in range(len(self.people)):
            held = {str(row["skuId"]).lower() for row in self.people.value(position, "assignedLicenses")}
            for sku_id in held:
                consumed[sku_id] = consumed.get(sku_id, 0) + 1
        for row in self.skus:
            row["consumedUnits"] = consumed.get(str(row["skuId"]).lower(), 0)


def stable_id(*parts: str) -> str:
    """Return an identifier that is the same in every run."""
    return str(uuid5(NAMESPACE_DNS, "/".join(parts)))


def user(tenant_id: str, principal: str, *, licenses: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """Return a user with direct licences by part number, and defaults for everything that an audit reads."""
    local = principal.split("@", 1)[0]
    skus = [products.sku_id(part) for part in licenses]
    stamp = "2024-01-15T09:00:00Z"
    return {
        "id": stable_id(tenant_id, "user", principal.lower()),
        "userPrincipalName": principal,
        "displayName": local.replace(".", " ").title(),
        "mail": principal,
        "accountEnabled": True,
        "userType": "Member",
        "usageLocation": "NL",
        "createdDateTime": "2023-05-01T08:00:00Z",
        "assignedLicenses": [{"skuId": sku_id, "disabledPlans": []} for sku_id in skus],
        "licenseAssignmentStates": [state(sku_id, stamp=stamp) for sku_id in skus],
    } | more


def state(
    sku_id: str, *, group: str | None = None, error: str | None = "None", stamp: str = "2024-01-15T09:00:00Z"
) -> dict[str, Any]:
    """Return a row of licenseAssignmentStates; without an error Graph sends "None", its documentation says null."""
    return {
        "skuId": sku_id,
        "assignedByGroup": group,
        "disabledPlans": [],
        "state": "Active" if error in {"None", None} else "Error",
        "error": error,
        "lastUpdatedDateTime": stamp,
    }


def organization(tenant_id: str, display_name: str, domain: str, country: str) -> dict[str, Any]:
    """Return the organization document of a tenant with one verified domain."""
    return {
        "id": tenant_id,
        "displayName": display_name,
        "countryLetterCode": country,
        "createdDateTime": "2019-04-02T10:30:06Z",
        "defaultUsageLocation": country,
        "preferredLanguage": "en",
        "tenantType": "AAD",
        "onPremisesSyncEnabled": None,
        "partnerTenantType": None,
        "technicalNotificationMails": [f"admin@{domain}"],
        "businessPhones": [],
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": True,
                "isInitial": True,
                "name": domain,
                "type": "Managed",
            }
        ],
    }


def subscription(tenant_id: str, sku: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a companySubscription of a SKU, with all its units and a term of one year."""
    part = str(sku["skuPartNumber"])
    units = sku["prepaidUnits"]
    return {
        "id": stable_id(tenant_id, "subscription", part),
        "commerceSubscriptionId": stable_id(tenant_id, "commerce", part),
        "createdDateTime": "2026-02-01T00:00:00Z",
        "isTrial": False,
        "nextLifecycleDateTime": "2027-02-01T00:00:00Z",
        "ownerId": None,
        "ownerTenantId": None,
        "ownerType": None,
        "serviceStatus": [
            {key: plan[key] for key in ("appliesTo", "provisioningStatus", "servicePlanId", "servicePlanName")}
            for plan in sku["servicePlans"]
        ],
        "skuId": sku["skuId"],
        "skuPartNumber": part,
        "status": sku["capabilityStatus"],
        "totalLicenses": sum(int(units.get(key) or 0) for key in ("enabled", "warning", "suspended")),
    } | more


def join_skus(tenant: Tenant) -> None:
    """Complete the SKUs: set id and account, add a subscription to each SKU without one, and set subscriptionIds."""
    for row in tenant.skus:
        row.setdefault("accountId", tenant.tenant_id)
        row.setdefault("accountName", tenant.name)
        row.setdefault("id", f"{row['accountId']}_{row['skuId']}")
        row.setdefault("capabilityStatus", "Enabled")
        row.setdefault("servicePlans", [])
        subscriptions = [
            entry for entry in tenant.subscriptions if str(entry["skuId"]).lower() == str(row["skuId"]).lower()
        ]
        if not subscriptions and "subscriptionIds" not in row:
            subscriptions = [subscription(tenant.tenant_id, row)]
            tenant.subscriptions.extend(subscriptions)
        row.setdefault("subscriptionIds", [entry["id"] for entry in subscriptions])


def _app(document: Mapping[str, Any]) -> App:
    return App(
        client_id=str(document["clientId"]),
        name=str(document.get("name", "auditor")),
        roles=tuple(document.get("roles", ALL_ROLES)),
        secrets=tuple(Secret(value=value) for value in document.get("secrets", ())),
        certificates=tuple(document.get("certificates", ())),
        federated=tuple(Federated(**entry) for entry in document.get("federated", ())),
    )


def _people(tenant_id: str, rows: Iterable[Mapping[str, Any]]) -> tuple[ListedPeople, dict[str, dict[str, Any]]]:
    documents = []
    mailboxes = {}
    for row in rows:
        fields = dict(row)
        document = user(tenant_id, str(fields.pop("userPrincipalName")), licenses=fields.pop("licenses", ())) | fields
        settings = document.pop("mailboxSettings", None)
        if settings is not None:
            mailboxes[str(document["id"]).lower()] = settings
        documents.append(document)
    return ListedPeople(documents), mailboxes


def _groups(tenant_id: str, rows: Iterable[Mapping[str, Any]], people: People) -> dict[str, Group]:
    identifiers = {
        str(row["displayName"]): str(row.get("id") or stable_id(tenant_id, "group", str(row["displayName"])))
        for row in rows
    }
    groups: dict[str, Group] = {}
    for row in rows:
        fields = dict(row)
        names = [str(name) for name in fields.pop("members", ())]
        members_with_errors = fields.pop("membersWithLicenseErrors", None)
        members = [_member_id(name, people, identifiers) for name in names]
        identifier = identifiers[str(fields["displayName"])]
        document = {"securityEnabled": True, "mailEnabled": False, "groupTypes": [], "assignedLicenses": []} | fields
        groups[identifier.lower()] = Group(
            document=document | {"id": identifier}, members=members, members_with_errors=members_with_errors
        )
    return groups


def _member_id(name: str, people: People, groups: Mapping[str, str]) -> str:
    position = people.find(name)
    return str(people.value(position, "id")) if position is not None else groups.get(name, name)


def load(document: Mapping[str, Any]) -> Tenant:
    """Return a tenant from its JSON document (keys: README.md).

    Users may have `licenses: [part numbers]`, SKUs `{skuPartNumber, enabled}`, groups `members` by name or id; all
    other keys have Graph's form and are kept unchanged. Seats are counted for SKUs without consumedUnits.
    """
    tenant_id = str(document["tenantId"])
    domain = str(document.get("domain", "contoso.example"))
    display_name = str(document.get("displayName", document.get("name", "Contoso")))
    people, mailboxes = _people(tenant_id, document.get("users", ()))
    tenant = Tenant(
        tenant_id=tenant_id,
        name=str(document.get("name", "contoso")),
        people=people,
        domain=domain,
        organization=organization(tenant_id, display_name, domain, str(document.get("country", "NL")))
        | dict(document.get("organization", {})),
        skus=[_sku(row) for row in document.get("subscribedSkus", ())],
        subscriptions=[dict(row) for row in document.get("subscriptions", ())],
        groups=_groups(tenant_id, list(document.get("groups", ())), people),
        others={str(row["id"]).lower(): dict(row) for row in document.get("others", ())},
        mailboxes=mailboxes,
        devices=[dict(row) for row in document.get("devices", ())],
        premium=bool(document.get("premium", True)),
        access=AccessLists.load(document),
    )
    tenant.report_settings |= dict(document.get("reportSettings", {}))
    usage = document.get("usage", {})
    tenant.usage.people.update(usage.get("people", {}))
    tenant.usage.refreshed = date.fromisoformat(usage["refreshed"]) if "refreshed" in usage else None
    tenant.apps = {app.client_id.lower(): app for app in map(_app, document.get("apps", ()))}
    consumed = {str(row["skuId"]): row["consumedUnits"] for row in tenant.skus if "consumedUnits" in row}
    tenant.count_seats()
    for row in tenant.skus:
        row["consumedUnits"] = consumed.get(str(row["skuId"]), row["consumedUnits"])
    join_skus(tenant)
    return tenant


def _sku(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(row)
    if "prepaidUnits" in fields and "skuId" in fields:
        return fields
    return products.sku(fields.pop("skuPartNumber"), **fields)
