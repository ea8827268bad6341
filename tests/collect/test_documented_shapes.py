"""Tests requests that the OpenAPI subset lacks against the models of Microsoft's SDK and documented CSV headers.

The subset has two usage reports, but no roles, Conditional Access or managed devices. The classes of the SDK are
generated from Graph's metadata, so Graph does not send a property that they do not have.
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


class _ModelChecked(dict[str, Any]):
    """A JSON object that fails on access to properties that the SDK's model of its type does not have."""

    def __init__(self, document: Mapping[str, Any], model: type[Any]) -> None:
        super().__init__(
            {
                key: _ModelChecked(value, _NESTED[key]) if isinstance(value, dict) else value
                for key, value in document.items()
            }
        )
        self.property_names = set(model().get_field_deserializers())
        self.read_names: set[str] = set()
        assert document.keys() <= self.property_names

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def get(self, key: str, default: Any = None) -> Any:
        assert key in self.property_names, f"Graph has no property {key} here"
        self.read_names.add(key)
        return super().get(key, default)

    def unread(self) -> set[str]:
        """Return the properties that were not read, including those of nested objects."""
        inner = (value for value in self.values() if isinstance(value, _ModelChecked))
        return (self.keys() - self.read_names).union(*(child.unread() for child in inner))


@pytest.mark.slow
@pytest.mark.parametrize("eligible", [False, True])
def test_role_assignment_properties_exist_in_graph(*, eligible: bool) -> None:
    document = _ModelChecked(_SCOPED, UnifiedRoleEligibilityScheduleInstance if eligible else UnifiedRoleAssignment)
    assert None not in role_assignment_row(document, eligible=eligible).values()
    assert document.unread() == set()


@pytest.mark.slow
def test_role_definition_properties_exist_in_graph() -> None:
    document = _ModelChecked(_ROLE, UnifiedRoleDefinition)
    assert None not in role_definition_row(document).values()
    assert document.unread() == set()


@pytest.mark.slow
def test_conditional_access_properties_exist_in_graph() -> None:
    document = _ModelChecked(_POLICY, ConditionalAccessPolicy)
    row = conditional_access_row(document)
    assert [name for name, value in row.items() if value is None] == []
    assert document.unread() == set()


@pytest.mark.slow
def test_selected_device_properties_exist_in_graph() -> None:
    assert set(devices.SELECT) <= set(ManagedDevice().get_field_deserializers())


_PRODUCTS = [*(name.capitalize() for name in PLATFORMS), "Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams"]
_SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")
_COMMON_HEADERS = "Report Refresh Date,User Principal Name,"
_DOCUMENTED: dict[str, tuple[str, tuple[ReportColumn, ...], str]] = {
    "getM365AppUserDetail": (
        _COMMON_HEADERS + "Last Activation Date,Last Activity Date,Report Period,"
        + ",".join([*_PRODUCTS, *(f"{app} ({platform})" for platform in _PRODUCTS[:4] for app in _PRODUCTS[4:])]),
        app_columns("D30"),
        "Yes",
    ),
    "getMicrosoft365CopilotUsageUserDetail": (
        _COMMON_HEADERS + "Display Name,Last Activity Date,Copilot Chat Last Activity Date,"
        "Microsoft Teams Copilot Last Activity Date,Word Copilot Last Activity Date,Excel Copilot Last Activity Date,"
        "PowerPoint Copilot Last Activity Date,Outlook Copilot Last Activity Date,OneNote Copilot Last Activity Date,"
        "Loop Copilot Last Activity Date,Report Period",
        COPILOT_COLUMNS,
        "2026-11-01",
    ),
    "getMailboxUsageDetail": (
        _COMMON_HEADERS + "Display Name,Is Deleted,Deleted Date,Created Date,Last Activity Date,Item Count,Storage Used (Byte),"
        "Issue Warning Quota (Byte),Prohibit Send Quota (Byte),Prohibit Send/Receive Quota (Byte),Deleted Item Count,"
        "Deleted Item Size (Byte),Deleted Item Quota (Byte),Has Archive,Report Period",
        MAILBOX_COLUMNS,
        "7",
    ),
    "getOffice365ActiveUserDetail": (
        _COMMON_HEADERS + "Display Name,Is Deleted,Deleted Date,"
        + ",".join(f"Has {name} License" for name in _SERVICES) + ","
        + ",".join(f"{name} {what}" for what in ("Last Activity Date", "License Assign Date") for name in _SERVICES)
        + ",Assigned Products",
        SERVICE_COLUMNS,
        "2026-11-01",
    ),
}  # fmt: skip
"""By report: the headers on Microsoft's page, the columns that are read, and an example value."""


def _rows(headers: str, value: str) -> Iterator[str]:
    yield "\ufeff" + headers
    yield ",".join(
        {"User Principal Name": "ann@contoso.example", "Report Refresh Date": "2026-11-20", "Is Deleted": "False",
         "Has Archive": "True"}.get(name, value)
        for name in headers.split(",")
    )  # fmt: skip


@pytest.mark.parametrize("report", _DOCUMENTED)
def test_documented_headers_contain_every_column(report: str) -> None:
    headers, columns, value = _DOCUMENTED[report]
    batches: list[Any] = []
    summary = read_report(io.BytesIO("\r\n".join(_rows(headers, value)).encode()), columns, batches.append)
    assert summary.facts == {cell.fact for column in columns for cell in column.cells}
    (rows,) = batches
    assert rows.names.to_pylist() == ["ann@contoso.example"]
    assert set(rows.values) == {column.name for column in columns}
    assert not any(flags.any() for flags in rows.unreadable.values())


@pytest.mark.parametrize("report", _DOCUMENTED)
def test_emulator_writes_the_documented_headers(report: str) -> None:
    assert set(COLUMNS[report]) == set(_DOCUMENTED[report][0].split(","))


def test_every_app_and_platform_is_documented() -> None:
    headers = _DOCUMENTED["getM365AppUserDetail"][0].lower()
    assert [
        f"{app} ({platform})" for app in APPS for platform in PLATFORMS if f"{app} ({platform})" not in headers
    ] == []
