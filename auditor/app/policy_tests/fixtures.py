"""Builds the snapshots of policy tests from the short descriptions of their tenants."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from auditor.app.policy_tests.directory_access import conditional_access_policies, role_lists
from auditor.app.policy_tests.groups import GROUP_FACTS, Groups, fixture_id
from auditor.app.policy_tests.products import Products
from auditor.catalogue import Catalogue
from auditor.domain.enums import Cloud, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.selector import NESTED_PROPERTIES, USER_PROPERTIES
from auditor.domain.renewals import DatedNight, EarlierDates
from auditor.domain.result.model import Coverage
from auditor.policy.nodes import bytes_of, instant
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.schema import (
    ACTIVITY_COLUMNS,
    APP_USAGE_COLUMNS,
    ASKED_OF_SOURCE,
    REPORT_COLUMNS,
    SERVICE_COLUMNS,
    app_bits,
)

_REQUESTED = {
    Source.USERS: (*USER_PROPERTIES, *NESTED_PROPERTIES, "agent", "assignedLicenses", "licenseAssignmentStates"),
    Source.GROUPS: GROUP_FACTS,
    **ASKED_OF_SOURCE,
}
"""Source → the properties that its coverage lists as requested."""


def fixture_snapshot(name: str, description: Mapping[str, Any], catalogue: Catalogue, as_of: datetime) -> Snapshot:
    """Return the snapshot of one tenant of a test.

    By default, the seats in use are counted from the users, service plans come from the catalogue, and every source is
    complete.
    """
    products = Products.of(description, catalogue)
    groups = Groups()
    for item in description.get("groups", ()):
        groups.define(item, products.sku_id)
    users = [_user(item, products, groups) for item in description.get("users", ())]
    ids = {name.lower(): str(user["id"]) for user in users for name in (user["id"], user.get("userPrincipalName", ""))}
    user_descriptions = zip((user["id"] for user in users), description.get("users", ()), strict=True)
    access = conditional_access_policies(description.get("conditionalAccess", ()), ids, groups.id_of)
    subscriptions = [
        _subscription(index, item, products) for index, item in enumerate(description.get("subscriptions", ()))
    ]
    state = {
        "users": users,
        "subscribedSkus": products.subscribed_skus(users, subscriptions),
        "subscriptions": subscriptions,
        "groups": groups.with_members(),
        "organization": [{"id": fixture_id("tenant", name), "displayName": name}],
        "reports": _report_rows(as_of),
        "conditionalAccessPolicies": access,
        **role_lists(user_descriptions),
    }
    unknown = set(description.get("unknown", ()))
    if description.get("usage") == "none":
        unknown.add(Source.USAGE.value)
    manifest = Manifest(
        tenant=name,
        tenant_id=fixture_id("tenant", name),
        cloud=Cloud.WORLDWIDE,
        instant=as_of,
        sources=tuple(_coverage(source, unknown) for source in Source),
    )
    return snapshot_of(state, manifest)


def fixture_dates(description: Mapping[str, Any], catalogue: Catalogue) -> EarlierDates:
    """Return the renewal dates of a test's subscriptions in its earlier nights.

    A subscription without an id is the one at the same index in `subscriptions`.
    """
    products = Products.of(description, catalogue)
    nights: dict[str, list[DatedNight]] = {}
    for night in description.get("history", ()):
        as_of = instant(str(night["asOf"]))
        for index, item in enumerate(night["subscriptions"]):
            ends = instant(str(item.get("nextLifecycleDateTime", "")))
            if as_of is not None and ends is not None:
                nights.setdefault(_subscription(index, item, products)["id"], []).append((as_of, ends.date()))
    return nights


def _coverage(source: Source, unknown: set[str]) -> Coverage:
    is_unknown = source.value in unknown
    requested = () if is_unknown and source in ASKED_OF_SOURCE else _REQUESTED.get(source, ())
    if source is Source.USERS:
        requested = tuple(name for name in requested if name not in unknown)
    return Coverage(
        name=source,
        status=SourceStatus.UNAVAILABLE if is_unknown else SourceStatus.COMPLETE,
        reason=Message("the test declares it unknown") if is_unknown else None,
        asked=requested,
    )


def _user(item: Mapping[str, Any], products: Products, groups: Groups) -> dict[str, Any]:
    user_id = str(item.get("id") or item["userPrincipalName"])
    user = {name: item[name] for name in USER_PROPERTIES if name in item} | {"id": user_id}
    user.setdefault("accountEnabled", True)
    licences = [licence if isinstance(licence, dict) else {"sku": licence} for licence in item.get("licenses", ())]
    states = [
        state for licence in licences for state in _states(user_id, item.get("assigned"), licence, products, groups)
    ]
    user["licenseAssignmentStates"] = states
    user["assignedLicenses"] = [
        {"skuId": products.sku_id(licence["sku"]), "disabledPlans": _disabled(licence, products)}
        for licence in licences
        if licence.get("state", "Active") in {"Active", "ActiveWithError"}
    ]
    user.update(_usage_columns(item))
    user["signInActivity"] = item.get("signInActivity")
    devices = [synced_at for device in item.get("devices", ()) if (synced_at := instant(str(device))) is not None]
    user["managedDevices"] = len(item.get("devices", ()))
    user["managedDeviceLastSyncDateTime"] = max(devices, default=None)
    for name in item.get("memberOf", ()):
        groups.join(user_id, str(name))
    return user


def _usage_columns(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usage columns of a user from `lastActivity`, `copilot`, `apps`, `mailbox` and `agent`.

    A user without `lastActivity` or `copilot` has no row in that report; services that are not listed are empty.
    """
    columns: dict[str, Any] = {}
    missing: list[str] = []
    if "lastActivity" in item:
        for service, column in SERVICE_COLUMNS.items():
            columns[column] = _day(item["lastActivity"].get(service))
    else:
        missing.append(Source.USAGE.value)
    if "copilot" in item:
        columns[ACTIVITY_COLUMNS["copilot"]] = _day(item["copilot"])
    else:
        missing.append(Source.COPILOT_USAGE.value)
    if "apps" in item:
        used = sum(app_bits((app,), platforms) for app, platforms in item["apps"].items())
        columns.update(dict.fromkeys(APP_USAGE_COLUMNS.values(), used))
    mailbox = item.get("mailbox", {})
    if "size" in mailbox:
        columns["mailboxStorageUsed"] = bytes_of(str(mailbox["size"]))
    if "archive" in mailbox:
        columns["mailboxHasArchive"] = mailbox["archive"]
    if item.get("agent") is not None:
        columns["agent"] = item["agent"]
    return {**columns, "notCollected": missing}


def _report_rows(as_of: datetime) -> list[dict[str, Any]]:
    """Return the reports of a test, each with activity up to the day of the audit."""
    return [
        {"source": source.value, "period": "D180", "refreshDate": as_of.date(), "rows": None}
        for source in REPORT_COLUMNS
    ]


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _states(
    user: str, changed: str | None, licence: Mapping[str, Any], products: Products, groups: Groups
) -> Iterable[dict[str, Any]]:
    via = licence.get("via", "direct")
    for path in via if isinstance(via, list) else [via]:
        yield {
            "skuId": products.sku_id(licence["sku"]),
            "assignedByGroup": None if path == "direct" else groups.add_licence(user, str(path)),
            "disabledPlans": _disabled(licence, products),
            "state": licence.get("state", "Active"),
            "error": licence.get("error"),
            "lastUpdatedDateTime": changed,
        }


def _disabled(licence: Mapping[str, Any], products: Products) -> Sequence[str]:
    return [products.plan_id(str(plan)) for plan in licence.get("disabledPlans", ())]


def _subscription(number: int, item: Mapping[str, Any], products: Products) -> dict[str, Any]:
    sku_id = products.sku_id(str(item.get("skuId") or item.get("skuPartNumber")))
    return {
        "id": str(item.get("id") or fixture_id("subscription", f"{number}:{sku_id}")),
        "commerceSubscriptionId": item.get("commerceSubscriptionId"),
        "skuId": sku_id,
        "skuPartNumber": item.get("skuPartNumber"),
        "status": item.get("status", "Enabled"),
        "isTrial": item.get("isTrial", False),
        "totalLicenses": item.get("totalLicenses"),
        "createdDateTime": item.get("createdDateTime"),
        "nextLifecycleDateTime": item.get("nextLifecycleDateTime"),
    }
