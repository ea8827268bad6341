"""Requests that the OpenAPI subset lacks, against Microsoft's models in the SDK and the headers that its pages document.

The subset has two usage reports, and neither roles nor Conditional Access nor managed devices. The classes of the SDK
are made from Graph's metadata, so a property that they do not know is none that Graph sends.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgraph.generated.models.conditional_access_condition_set import ConditionalAccessConditionSet
from msgraph.generated.models.conditional_access_external_tenants import ConditionalAccessExternalTenants
from msgraph.generated.models.conditional_access_guests_or_external_users import ConditionalAccessGuestsOrExternalUsers
from msgraph.generated.models.conditional_access_policy import ConditionalAccessPolicy
from msgraph.generated.models.conditional_access_users import ConditionalAccessUsers
from msgraph.generated.models.managed_device import ManagedDevice
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.models.unified_role_definition import UnifiedRoleDefinition
from msgraph.generated.models.unified_role_eligibility_schedule_instance import UnifiedRoleEligibilityScheduleInstance

from auditor.collect.sources import devices
from auditor.collect.tables.report_columns import COPILOT_COLUMNS, MAILBOX_COLUMNS, SERVICE_COLUMNS, app_columns
from auditor.collect.tables.report_csv import ReportColumn, read_report
from auditor.domain.policy.selector import APPS, PLATFORMS
from auditor.snapshot.from_graph import conditional_access_row, role_assignment_row, role_definition_row
from tests.emulator.tenant.usage import COLUMNS

_GUESTS = {"guestOrExternalUserTypes": "b2bCollaborationGuest", "externalTenants": {"membershipKind": "all"}}
_USERS = {
    **{f"{side}{what}": [] for side in ("include", "exclude") for what in ("Users", "Groups", "Roles")},
    **{f"{side}GuestsOrExternalUsers": _GUESTS for side in ("include", "exclude")},
}
_POLICY = {
    "id": "p",
    "displayName": "Everybody",
    "state": "enabled",
    "conditions": {"users": _USERS, "userRiskLevels": ["high"], "signInRiskLevels": []},
}
_SCOPED = {"id": "a", "principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/"}
_ROLE = {"id": "r", "templateId": "r", "displayName": "Reports Reader", "isBuiltIn": True}
_NESTED = {
    "conditions": ConditionalAccessConditionSet,
    "users": ConditionalAccessUsers,
    "includeGuestsOrExternalUsers": ConditionalAccessGuestsOrExternalUsers,
    "excludeGuestsOrExternalUsers": ConditionalAccessGuestsOrExternalUsers,
    "externalTenants": ConditionalAccessExternalTenants,
}


class _Read(dict[str, Any]):
    """An object of an answer that refuses properties which the model of its type does not have."""

    def __init__(self, document: Mapping[str, Any], model: type[Any]) -> None:
        super().__init__(
            {key: _Read(value, _NESTED[key]) if isinstance(value, dict) else value for key, value in document.items()}
        )
        self.known = set(model().get_field_deserializers())
        self.read: set[str] = set()
        assert document.keys() <= self.known

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def get(self, key: str, default: Any = None) -> Any:
        assert key in self.known, f"Graph has no property {key} here"
        self.read.add(key)
        return super().get(key, default)

    def unread(self) -> set[str]:
        """What nobody looked at, in nested objects too."""
        inner = (value for value in self.values() if isinstance(value, _Read))
        return (self.keys() - self.read).union(*(each.unread() for each in inner))


@pytest.mark.slow
@pytest.mark.parametrize("eligible", [False, True])
def test_assignments_of_roles_are_read_by_graphs_names(*, eligible: bool) -> None:
    document = _Read(_SCOPED, UnifiedRoleEligibilityScheduleInstance if eligible else UnifiedRoleAssignment)
    assert None not in role_assignment_row(document, eligible=eligible).values()
    assert document.unread() == set()


@pytest.mark.slow
def test_definitions_of_roles_are_read_by_graphs_names() -> None:
    document = _Read(_ROLE, UnifiedRoleDefinition)
    assert None not in role_definition_row(document).values()
    assert document.unread() == set()


@pytest.mark.slow
def test_conditional_access_is_read_by_graphs_names() -> None:
    document = _Read(_POLICY, ConditionalAccessPolicy)
    row = conditional_access_row(document)
    assert [name for name, value in row.items() if value is None] == []
    assert document.unread() == set()


@pytest.mark.slow
def test_devices_are_asked_for_by_graphs_names() -> None:
    assert set(devices.SELECT) <= set(ManagedDevice().get_field_deserializers())


_PRODUCTS = [*(name.capitalize() for name in PLATFORMS), "Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams"]
_SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")
_OWN = "Report Refresh Date,User Principal Name,"
_DOCUMENTED: dict[str, tuple[str, tuple[ReportColumn, ...], str]] = {
    "getM365AppUserDetail": (
        _OWN + "Last Activation Date,Last Activity Date,Report Period,"
        + ",".join([*_PRODUCTS, *(f"{app} ({platform})" for platform in _PRODUCTS[:4] for app in _PRODUCTS[4:])]),
        app_columns("D30"),
        "Yes",
    ),
    "getMicrosoft365CopilotUsageUserDetail": (
        _OWN + "Display Name,Last Activity Date,Copilot Chat Last Activity Date,"
        "Microsoft Teams Copilot Last Activity Date,Word Copilot Last Activity Date,Excel Copilot Last Activity Date,"
        "PowerPoint Copilot Last Activity Date,Outlook Copilot Last Activity Date,OneNote Copilot Last Activity Date,"
        "Loop Copilot Last Activity Date,Report Period",
        COPILOT_COLUMNS,
        "2026-11-01",
    ),
    "getMailboxUsageDetail": (
        _OWN + "Display Name,Is Deleted,Deleted Date,Created Date,Last Activity Date,Item Count,Storage Used (Byte),"
        "Issue Warning Quota (Byte),Prohibit Send Quota (Byte),Prohibit Send/Receive Quota (Byte),Deleted Item Count,"
        "Deleted Item Size (Byte),Deleted Item Quota (Byte),Has Archive,Report Period",
        MAILBOX_COLUMNS,
        "7",
    ),
    "getOffice365ActiveUserDetail": (
        _OWN + "Display Name,Is Deleted,Deleted Date,"
        + ",".join(f"Has {name} License" for name in _SERVICES) + ","
        + ",".join(f"{name} {what}" for what in ("Last Activity Date", "License Assign Date") for name in _SERVICES)
        + ",Assigned Products",
        SERVICE_COLUMNS,
        "2026-11-01",
    ),
}  # fmt: skip
"""The headers of Microsoft's pages by report, the columns that are read of it, and a value of one of them."""


def _rows(headers: str, value: str) -> Iterator[str]:
    yield "\ufeff" + headers
    yield ",".join(
        {"User Principal Name": "ann@contoso.example", "Report Refresh Date": "2026-11-20", "Is Deleted": "False",
         "Has Archive": "True"}.get(name, value)
        for name in headers.split(",")
    )  # fmt: skip


@pytest.mark.parametrize("report", _DOCUMENTED)
def test_every_fact_is_found_among_the_headers_that_are_documented(report: str) -> None:
    headers, columns, value = _DOCUMENTED[report]
    taken: list[Any] = []
    summary = read_report(io.BytesIO("\r\n".join(_rows(headers, value)).encode()), columns, taken.append)
    assert summary.facts == {cell.fact for column in columns for cell in column.cells}
    (rows,) = taken
    assert rows.names.to_pylist() == ["ann@contoso.example"]
    assert set(rows.values) == {column.name for column in columns}
    assert not any(flags.any() for flags in rows.unreadable.values())


@pytest.mark.parametrize("report", _DOCUMENTED)
def test_the_emulator_writes_the_documented_headers(report: str) -> None:
    assert set(COLUMNS[report]) == set(_DOCUMENTED[report][0].split(","))


def test_every_app_is_known_on_every_platform() -> None:
    headers = _DOCUMENTED["getM365AppUserDetail"][0].lower()
    assert [
        f"{app} ({platform})" for app in APPS for platform in PLATFORMS if f"{app} ({platform})" not in headers
    ] == []
