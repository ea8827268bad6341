"""Builds Graph requests that change one user or group, each with the equivalent Microsoft Graph PowerShell line.

The auditor never sends them; an administrator reviews and runs them. A licence change of a user is one `assignLicense`
call, so that nobody is without a licence between removal and addition.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote

from msgspec import Struct, field

from auditor.domain.enums import Cloud
from auditor.domain.message import Message
from auditor.domain.policy.selector import NESTED_PROPERTIES

_QUOTES = ("'", "\u2018", "\u2019", "\u201a", "\u201b")
"""PowerShell ends a single-quoted string at any of these characters, and reads two in a row as one."""
_USERS: Final = "/users/"
NOT_IN_PLANS: Final = Message("is not a request of a plan")
"""The message about a request that a plan cannot contain."""


class RequestKind(StrEnum):
    """What a request changes, as `Kind` in plan.ps1."""

    USER_LICENCES = "UserLicense"
    GROUP_LICENCES = "GroupLicense"
    JOIN = "AddMember"
    LEAVE = "RemoveMember"
    PROPERTY = "Property"
    REPROCESS = "Reprocess"

    @property
    def scope(self) -> str:
        """The least privileged delegated permission of a request."""
        match self:
            case RequestKind.JOIN | RequestKind.LEAVE:
                return "GroupMember.ReadWrite.All"
            case RequestKind.PROPERTY | RequestKind.REPROCESS:
                return "User.ReadWrite.All"
            case _:
                return "LicenseAssignment.ReadWrite.All"


class RequestTarget(Struct, frozen=True, kw_only=True, gc=False):
    """What a request changes, and the ids of whom."""

    kind: RequestKind
    user: str = ""
    """Empty if it changes the licences of a group."""
    group: str = ""
    """Empty if it changes only a person."""

    @property
    def subject(self) -> str:
        """The id of the person, or of the group if it changes the licences of a group."""
        return self.user or self.group


class Addition(Struct, frozen=True, kw_only=True):
    """A product to assign, and its service plans that stay disabled."""

    sku_id: str
    disabled_plans: tuple[str, ...] = ()


class GraphRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One request to Graph; the path is relative to the address of v1.0."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    powershell: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "GraphRequest":
        """Return a request as stored in result.json or plan.json, without its PowerShell line."""
        return cls(method=document["method"], path=document["path"], body=document["body"])

    @property
    def target(self) -> RequestTarget:
        """What it changes. Raises ValueError for a request that a plan cannot contain."""
        match self.method, *map(unquote, self.path.strip("/").split("/")):
            case "POST", "users", user, "assignLicense":
                return RequestTarget(kind=RequestKind.USER_LICENCES, user=user)
            case "POST", "users", user, "reprocessLicenseAssignment":
                return RequestTarget(kind=RequestKind.REPROCESS, user=user)
            case "PATCH", "users", user:
                return RequestTarget(kind=RequestKind.PROPERTY, user=user)
            case "POST", "groups", group, "assignLicense":
                return RequestTarget(kind=RequestKind.GROUP_LICENCES, group=group)
            case "POST", "groups", group, "members", "$ref":
                user = unquote(str(self.body.get("@odata.id", "")).rpartition("/")[2])
                return RequestTarget(kind=RequestKind.JOIN, user=user, group=group)
            case "DELETE", "groups", group, "members", user, "$ref":
                return RequestTarget(kind=RequestKind.LEAVE, user=user, group=group)
            case _:
                raise ValueError(NOT_IN_PLANS)

    @property
    def document(self) -> dict[str, Any]:
        """The request as stored in result.json and plan.json."""
        return {"method": self.method, "path": self.path, "body": self.body, "powershell": self.powershell}


class RequestTemplate(Struct, frozen=True, kw_only=True):
    """A request about one user, with the user's id left out."""

    method: str
    path: str
    """The part of the path after the user's id."""
    body: Mapping[str, Any]
    powershell: tuple[str, str]
    """The text before and after the user's id."""

    @classmethod
    def of(cls, request: GraphRequest, user: str) -> "RequestTemplate":
        """Return the template of a request about a user."""
        before, _, after = request.powershell.partition(quoted(user))
        return cls(
            method=request.method,
            path=request.path.removeprefix(_USERS + _segment(user)),
            body=request.body,
            powershell=(before, after),
        )

    @property
    def identity(self) -> str:
        """A key that is the same for equal requests."""
        return "\x1f".join((self.method, self.path, canonical(self.body), *self.powershell))

    def document(self, user: str) -> dict[str, Any]:
        """Return the request about a user as stored in result.json."""
        return {
            "method": self.method,
            "path": _USERS + _segment(user) + self.path,
            "body": self.body,
            "powershell": quoted(user).join(self.powershell),
        }


NOT_SET = frozenset(NESTED_PROPERTIES["employeeOrgData"])
"""Properties that no request sets: Graph sets the properties of the same object that a request omits to null."""


def assign_user(user: str, *, add: Iterable[Addition] = (), remove: Iterable[str] = ()) -> GraphRequest:
    """Change the direct licences of one user, additions and removals in one call."""
    return _assign("users", "Set-MgUserLicense -UserId", user, tuple(add), tuple(remove))


def assign_group(group: str, *, add: Iterable[Addition] = (), remove: Iterable[str]) -> GraphRequest:
    """Change the licences that a group gives to its members, additions and removals in one call."""
    return _assign("groups", "Set-MgGroupLicense -GroupId", group, tuple(add), tuple(remove))


def set_property(user: str, name: str, value: str | bool | None) -> GraphRequest:  # noqa: FBT001 - a value as in Graph
    """Set a property of one user; None clears it.

    Extension attributes are properties of a nested object.
    """
    if name.startswith("extensionAttribute"):
        body: dict[str, Any] = {"onPremisesExtensionAttributes": {name: value}}
    else:
        body = {name: value}
    parameters = json.dumps(body, ensure_ascii=False)
    return GraphRequest(
        method="PATCH",
        path=f"/users/{_segment(user)}",
        body=body,
        powershell=f"Update-MgUser -UserId {quoted(user)} -BodyParameter (ConvertFrom-Json {quoted(parameters)})",
    )


def properties_of(request: GraphRequest) -> dict[str, Any]:
    """Return the properties that a PATCH of a user sets, including extension attributes."""
    values = {**request.body, **request.body.get("onPremisesExtensionAttributes", {})}
    values.pop("onPremisesExtensionAttributes", None)
    return values


def leave_group(group: str, user: str) -> GraphRequest:
    """Remove a person from a group. The path ends with `/$ref`: without it the request would delete the person."""
    return GraphRequest(
        method="DELETE",
        path=f"/groups/{_segment(group)}/members/{_segment(user)}/$ref",
        powershell=f"Remove-MgGroupMemberByRef -GroupId {quoted(group)} -DirectoryObjectId {quoted(user)}",
    )


def join_group(group: str, user: str, *, cloud: Cloud) -> GraphRequest:
    """Add a person to a group."""
    reference = f"{root(cloud)}/directoryObjects/{_segment(user)}"
    return GraphRequest(
        method="POST",
        path=f"/groups/{_segment(group)}/members/$ref",
        body={"@odata.id": reference},
        powershell=(
            f"New-MgGroupMemberByRef -GroupId {quoted(group)} -BodyParameter @{{'@odata.id' = {quoted(reference)}}}"
        ),
    )


def root(cloud: Cloud) -> str:
    """Return the address to which the path of a request is relative."""
    return f"{_ROOTS[cloud]}/v1.0"


def reprocess(user: str) -> GraphRequest:
    """Make Graph process the group licences of one user again."""
    return GraphRequest(
        method="POST",
        path=f"/users/{_segment(user)}/reprocessLicenseAssignment",
        powershell=f"Invoke-MgLicenseUser -UserId {quoted(user)}",
    )


def locate(user: str, country: str) -> GraphRequest:
    """Set the usage location of one user."""
    return GraphRequest(
        method="PATCH",
        path=f"/users/{_segment(user)}",
        body={"usageLocation": country},
        powershell=f"Update-MgUser -UserId {quoted(user)} -UsageLocation {quoted(country)}",
    )


def quoted(text: str) -> str:
    """Return a text as a PowerShell string literal, in which nothing is expanded.

    Line breaks are kept: a single-quoted string may span lines.
    """
    for character in _QUOTES:
        text = text.replace(character, character * 2)
    return f"'{text}'"


def connect(scopes: Iterable[str], *, tenant_id: str, cloud: Cloud) -> str:
    """Return the PowerShell line that signs in to a tenant with delegated permissions."""
    named = cloud is not Cloud.WORLDWIDE and cloud in ENVIRONMENTS
    environment = f" -Environment {ENVIRONMENTS[cloud]}" if named else ""
    return f"Connect-MgGraph -TenantId {quoted(tenant_id)}{environment} -Scopes {','.join(map(quoted, scopes))}"


_ROOTS: Final = {
    Cloud.WORLDWIDE: "https://graph.microsoft.com",
    Cloud.USGOV: "https://graph.microsoft.us",
    Cloud.USGOV_DOD: "https://dod-graph.microsoft.us",
    Cloud.CHINA: "https://microsoftgraph.chinacloudapi.cn",
    Cloud.GERMANY: "https://graph.microsoft.de",
}
"""Address of Graph per cloud; the German cloud is closed and occurs only in snapshots."""
ENVIRONMENTS: Final = {
    Cloud.WORLDWIDE: "Global",
    Cloud.USGOV: "USGov",
    Cloud.USGOV_DOD: "USGovDoD",
    Cloud.CHINA: "China",
}
"""`-Environment` of `Connect-MgGraph`; the German cloud is closed."""


def _assign(
    kind: str, cmdlet: str, identifier: str, add: tuple[Addition, ...], remove: tuple[str, ...]
) -> GraphRequest:
    body, parameters = _change(add, remove)
    return GraphRequest(
        method="POST",
        path=f"/{kind}/{_segment(identifier)}/assignLicense",
        body=body,
        powershell=f"{cmdlet} {quoted(identifier)} {parameters}",
    )


@lru_cache(maxsize=1024)
def _change(add: tuple[Addition, ...], remove: tuple[str, ...]) -> tuple[Mapping[str, Any], str]:
    """Return the body and the PowerShell parameters of a change; cached, because many people have the same change."""
    body = {
        "addLicenses": [{"skuId": item.sku_id, "disabledPlans": list(item.disabled_plans)} for item in add],
        "removeLicenses": list(remove),
    }
    additions = ", ".join(_addition(item) for item in add)
    removals = ", ".join(quoted(sku_id) for sku_id in remove)
    return body, f"-AddLicenses @({additions}) -RemoveLicenses @({removals})"


def _addition(item: Addition) -> str:
    plans = ", ".join(quoted(plan) for plan in item.disabled_plans)
    return f"@{{SkuId = {quoted(item.sku_id)}; DisabledPlans = @({plans})}}"


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


def canonical(document: Mapping[str, Any]) -> str:
    """Return a text that is the same for equal requests, whatever the order of their keys."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
