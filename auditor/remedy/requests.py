"""What to do about one user or group into a Graph request and the Microsoft Graph PowerShell line that does the same.

The auditor never sends them; an administrator reviews and runs them. One change of one user is one `assignLicense`
call, so that nobody is without a licence between its removal and its addition.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct, field

from auditor.domain.enums import Cloud
from auditor.domain.policy.selector import NESTED_PROPERTIES

_QUOTES = ("'", "\u2018", "\u2019", "\u201a", "\u201b")
"""PowerShell ends a single-quoted string at any of these, and reads two of them as one character."""
_USERS: Final = "/users/"


class Addition(Struct, frozen=True, kw_only=True):
    """A product to assign, and the service plans of it that stay off."""

    sku_id: str
    disabled_plans: tuple[str, ...] = ()


class Command(Struct, frozen=True, kw_only=True):
    """One request against Graph v1.0; the path is relative to it."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    powershell: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The request as result.json and plan.json hold it."""
        return {"method": self.method, "path": self.path, "body": self.body, "powershell": self.powershell}


class RequestTemplate(Struct, frozen=True, kw_only=True):
    """A request about one user, without the user."""

    method: str
    path: str
    """What follows the user's id."""
    body: Mapping[str, Any]
    powershell: tuple[str, str]
    """What stands before and behind the user's id."""

    @classmethod
    def of(cls, command: Command, user: str) -> "RequestTemplate":
        """Take the user out of a request about a user."""
        before, _, behind = command.powershell.partition(quoted(user))
        return cls(
            method=command.method,
            path=command.path.removeprefix(_USERS + _segment(user)),
            body=command.body,
            powershell=(before, behind),
        )

    @property
    def identity(self) -> str:
        """One text for equal requests."""
        return "\x1f".join((self.method, self.path, canonical(self.body), *self.powershell))

    def document(self, user: str) -> dict[str, Any]:
        """Return the request about a user as result.json holds it."""
        return {
            "method": self.method,
            "path": _USERS + _segment(user) + self.path,
            "body": self.body,
            "powershell": quoted(user).join(self.powershell),
        }


NOT_SET = frozenset(NESTED_PROPERTIES["employeeOrgData"])
"""Properties that no request sets: Graph makes those of the same object null that a request leaves out."""


def assign_user(user: str, *, add: Iterable[Addition] = (), remove: Iterable[str] = ()) -> Command:
    """Change what one user holds directly, additions and removals in one call."""
    return _assign("users", "Set-MgUserLicense -UserId", user, tuple(add), tuple(remove))


def assign_group(group: str, *, add: Iterable[Addition] = (), remove: Iterable[str] = ()) -> Command:
    """Change what a group gives to all its members, additions and removals in one call."""
    return _assign("groups", "Set-MgGroupLicense -GroupId", group, tuple(add), tuple(remove))


def set_property(user: str, name: str, value: str | bool | None) -> Command:  # noqa: FBT001 - a value as in Graph
    """Set a property of one user, None to make it empty.

    Extension attributes are properties of an object of their own.
    """
    if name.startswith("extensionAttribute"):
        body: dict[str, Any] = {"onPremisesExtensionAttributes": {name: value}}
    else:
        body = {name: value}
    parameters = json.dumps(body, ensure_ascii=False)
    return Command(
        method="PATCH",
        path=f"/users/{_segment(user)}",
        body=body,
        powershell=f"Update-MgUser -UserId {quoted(user)} -BodyParameter (ConvertFrom-Json {quoted(parameters)})",
    )


def properties_of(command: Command) -> dict[str, Any]:
    """Return the properties that a PATCH of a user sets, extension attributes among the others."""
    values = {**command.body, **command.body.get("onPremisesExtensionAttributes", {})}
    values.pop("onPremisesExtensionAttributes", None)
    return values


def leave_group(group: str, user: str) -> Command:
    """Take a person out of a group. The path ends with `/$ref`: without it the request would delete the person."""
    return Command(
        method="DELETE",
        path=f"/groups/{_segment(group)}/members/{_segment(user)}/$ref",
        powershell=f"Remove-MgGroupMemberByRef -GroupId {quoted(group)} -DirectoryObjectId {quoted(user)}",
    )


def join_group(group: str, user: str, *, cloud: Cloud) -> Command:
    """Make a person a member of a group."""
    reference = f"{root(cloud)}/directoryObjects/{_segment(user)}"
    return Command(
        method="POST",
        path=f"/groups/{_segment(group)}/members/$ref",
        body={"@odata.id": reference},
        powershell=(
            f"New-MgGroupMemberByRef -GroupId {quoted(group)} -BodyParameter @{{'@odata.id' = {quoted(reference)}}}"
        ),
    )


def root(cloud: Cloud) -> str:
    """Return the address that the path of a request continues."""
    return f"{_ROOTS[cloud]}/v1.0"


def subject_of(command: Command) -> tuple[str, str]:
    """Return whom a request changes: `users` and the person's id, or `groups` and the group's id."""
    kind, identifier, *rest = command.path.strip("/").split("/")
    match rest:
        case ["members", "$ref"]:
            return "users", str(command.body["@odata.id"]).rpartition("/")[2]
        case ["members", user, "$ref"]:
            return "users", user
        case _:
            return kind, identifier


def reprocess(user: str) -> Command:
    """Let Graph try the group licences of one user again."""
    return Command(
        method="POST",
        path=f"/users/{_segment(user)}/reprocessLicenseAssignment",
        powershell=f"Invoke-MgLicenseUser -UserId {quoted(user)}",
    )


def locate(user: str, country: str) -> Command:
    """Set the usage location of one user."""
    return Command(
        method="PATCH",
        path=f"/users/{_segment(user)}",
        body={"usageLocation": country},
        powershell=f"Update-MgUser -UserId {quoted(user)} -UsageLocation {quoted(country)}",
    )


def quoted(text: str) -> str:
    """Return a PowerShell string literal of any text; nothing in it is expanded or ends it.

    Line breaks stay as they are: a single-quoted string may span lines.
    """
    for mark in _QUOTES:
        text = text.replace(mark, mark * 2)
    return f"'{text}'"


def connect(commands: Iterable[Mapping[str, Any]], *, tenant_id: str, cloud: Cloud) -> str:
    """Return the PowerShell line that signs in to a tenant, with the least permission that requests need."""
    scopes = dict.fromkeys(scope(str(command["method"]), str(command["path"])) for command in commands)
    return f"Connect-MgGraph -TenantId {quoted(tenant_id)}{in_cloud(cloud)} -Scopes {','.join(scopes)}"


def in_cloud(cloud: Cloud) -> str:
    """Return the parameter of `Connect-MgGraph` for a cloud, with a space before it; empty for the commercial cloud."""
    return "" if cloud is Cloud.WORLDWIDE or cloud not in ENVIRONMENTS else f" -Environment {ENVIRONMENTS[cloud]}"


def scope(method: str, path: str) -> str:
    """Return the least privileged delegated permission of a request."""
    if path.endswith("/$ref"):
        return "GroupMember.ReadWrite.All"
    user = method == "PATCH" or path.endswith("/reprocessLicenseAssignment")
    return "User.ReadWrite.All" if user else "LicenseAssignment.ReadWrite.All"


_ROOTS: Final = {
    Cloud.WORLDWIDE: "https://graph.microsoft.com",
    Cloud.USGOV: "https://graph.microsoft.us",
    Cloud.USGOV_DOD: "https://dod-graph.microsoft.us",
    Cloud.CHINA: "https://microsoftgraph.chinacloudapi.cn",
    Cloud.GERMANY: "https://graph.microsoft.de",
}
"""Where the id of a directory object begins; the German cloud is closed, and known from snapshots only."""
ENVIRONMENTS: Final = {
    Cloud.WORLDWIDE: "Global",
    Cloud.USGOV: "USGov",
    Cloud.USGOV_DOD: "USGovDoD",
    Cloud.CHINA: "China",
}
"""`-Environment` of `Connect-MgGraph`; the German cloud is closed."""


def _assign(kind: str, verb: str, identifier: str, add: tuple[Addition, ...], remove: tuple[str, ...]) -> Command:
    body, parameters = _change(add, remove)
    return Command(
        method="POST",
        path=f"/{kind}/{_segment(identifier)}/assignLicense",
        body=body,
        powershell=f"{verb} {quoted(identifier)} {parameters}",
    )


@lru_cache(maxsize=1024)
def _change(add: tuple[Addition, ...], remove: tuple[str, ...]) -> tuple[Mapping[str, Any], str]:
    """Return the body of a change and its parameters in PowerShell; the same change of many people shares them."""
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
    """Return one text for equal requests, whatever the order of their keys."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
