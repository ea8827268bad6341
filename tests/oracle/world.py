"""A tenant's collected data: every query returns a fact, or says that it is unknown."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from tests.oracle.verdict import Catalogue, Document

UNREAD = ("denied", "unavailable", "not-needed")
AT_LEAST_FREE = (
    "FLOW_FREE", "POWER_BI_STANDARD", "POWERAPPS_VIRAL", "POWERAPPS_DEV", "CCIBOTS_PRIVPREV_VIRAL",
    "DYN365_ENTERPRISE_P1_IW", "STREAM", "FORMS_PRO", "WINDOWS_STORE", "TEAMS_EXPLORATORY",
    "MICROSOFT_BUSINESS_CENTER", "RIGHTSMANAGEMENT_ADHOC",
)  # fmt: skip


class Unknown:
    """The type of a fact that was not collected."""


UNKNOWN = Unknown()


class Book(Struct, frozen=True, kw_only=True):
    """All policy documents merged: names are visible in every file."""

    policies: list[Document]
    waivers: list[Document]
    populations: Mapping[str, Any]
    products: Mapping[str, Any]
    free: list[Any]
    prices: Mapping[str, Any]
    contracts: list[Document]
    currency: str | None


def bind(documents: Iterable[Document], catalogue: Catalogue) -> Book:
    policies: list[Document] = []
    waivers: list[Document] = []
    populations: dict[str, Any] = {}
    products: dict[str, Any] = {}
    free: list[Any] = [*AT_LEAST_FREE, *sorted(catalogue.free)]
    prices: dict[str, Any] = {}
    contracts: list[Document] = []
    currency = None
    for document in documents:
        policies.extend(document.get("policies") or [])
        waivers.extend(document.get("waivers") or [])
        populations.update(document.get("populations") or {})
        for name, wanted in (document.get("products") or {}).items():
            if name == "free":
                free.append(wanted)
            else:
                products[name] = wanted
        priced = document.get("prices")
        if priced:
            currency = priced["currency"]
            prices.update(priced["perSeatPerMonth"])
        contracts.extend(document.get("contracts") or [])
    return Book(policies=policies, waivers=waivers, populations=populations, products=products, free=free,
                prices=prices, contracts=contracts, currency=currency)  # fmt: skip


class World(Struct, frozen=True, kw_only=True, dict=True):
    """A tenant with the policy documents and the catalogue, at the audit's instant (`now`, see `words.audit_instant`)."""

    tenant: Document
    book: Book
    catalogue: Catalogue
    now: int

    @property
    def name(self) -> str:
        return str(self.tenant["name"])

    def source(self, name: str) -> str:
        return str(self.tenant.get("sources", {}).get(name, "complete"))

    def unread(self, name: str) -> bool:
        return self.source(name) in UNREAD

    def rows(self, source: str) -> list[Document]:
        return [] if self.unread(source) else list(self.tenant.get(source) or [])

    @cached_property
    def _product_rows(self) -> dict[str, Document]:
        """The rows of `subscribedSkus` by skuId in lower case; if a SKU has two rows, the first."""
        return {row["skuId"].lower(): row for row in reversed(self.rows("subscribedSkus"))}

    def product_row(self, sku: str) -> Document | None:
        return self._product_rows.get(sku)

    def in_catalogue(self, sku: str) -> tuple[str, list[tuple[str, str]]] | None:
        for known, entry in self.catalogue.skus.items():
            if known.lower() == sku:
                return entry
        return None

    def part_number(self, sku: str) -> str | Unknown | None:
        """The part number, or UNKNOWN; None = neither the tenant nor the catalogue has the SKU."""
        row = self.product_row(sku)
        if row is not None:
            return str(row["skuPartNumber"])
        entry = self.in_catalogue(sku)
        if entry is not None:
            return entry[0]
        return None if self.source("subscribedSkus") == "complete" else UNKNOWN

    def label(self, sku: str) -> str:
        """The part number for people and details; the skuId if there is none."""
        part = self.part_number(sku)
        return part if isinstance(part, str) else sku

    def plans(self, sku: str) -> list[tuple[str, str]] | None:
        """(servicePlanId in lower case, servicePlanName) of a SKU; None = unknown."""
        row = self.product_row(sku)
        if row is not None and row["servicePlans"]:
            return [(plan["servicePlanId"].lower(), plan["servicePlanName"]) for plan in row["servicePlans"]]
        entry = self.in_catalogue(sku)
        if entry is not None:
            return [(plan.lower(), name) for plan, name in entry[1]]
        return None

    def fact(self, user: Mapping[str, Any], name: str) -> Any:
        """A collected property of a user (None = absent), or UNKNOWN."""
        if name in (self.tenant.get("notCollected") or []) or name in (user.get("unknown") or []):
            return UNKNOWN
        if name == "mailboxType":
            if self.unread("mailboxes"):
                return UNKNOWN
            if self.source("mailboxes") == "partial" and user.get("mailboxType") is None and not self._marked(name):
                return UNKNOWN
        value = user.get(name)
        absent = value is None or value == ""
        if absent and name == "userType":
            return "Member"
        if absent and name == "onPremisesSyncEnabled":
            return False
        return None if absent else value

    def _marked(self, name: str) -> bool:
        """Whether the tenant lists the users whose fact could not be read; for all other users it was read."""
        return any(name in (user.get("unknown") or []) for user in self.rows("users"))

    def licenses(self, user: Mapping[str, Any]) -> dict[str, list[str]] | None:
        """skuId -> disabled plans, from `assignedLicenses`; None = not collected."""
        rows = self.fact(user, "assignedLicenses")
        if rows is UNKNOWN:
            return None
        return {row["skuId"].lower(): [plan.lower() for plan in row.get("disabledPlans") or []] for row in rows or []}

    def states(self, user: Mapping[str, Any]) -> list[Document] | None:
        """The rows of `licenseAssignmentStates`; None = not collected."""
        rows = self.fact(user, "licenseAssignmentStates")
        return None if rows is UNKNOWN else list(rows or [])

    def paths(self, user: Mapping[str, Any], sku: str) -> list[Document] | None:
        """The active rows of one SKU; None = not collected."""
        rows = self.states(user)
        if rows is None:
            return None
        return [row for row in rows if row["skuId"].lower() == sku and row["state"] in ("Active", "ActiveWithError")]
