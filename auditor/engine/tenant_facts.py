"""The facts of one tenant from the small tables of its snapshot: SKUs, service plans, subscriptions and groups."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from sys import intern
from typing import Any

import pyarrow as pa
from msgspec import Struct

from auditor.catalogue import Catalogue
from auditor.domain.enums import Source, SourceStatus, applies_to_people
from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.selector import GRAPH_PROPERTIES
from auditor.domain.renewals import EarlierDates
from auditor.domain.result.model import Coverage
from auditor.engine.groups import GroupFact, group_of
from auditor.engine.product_tables import plans_by_sku, shared_plans, trial_seats
from auditor.engine.report_dates import outdated_reports, refresh_dates
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import ROLE_DEFINITION_LIST


class SkuFact(Struct, frozen=True, kw_only=True):
    """The facts of one SKU; `plans` is None if its service plans are not known."""

    sku_id: str
    part_number: str | None
    owned: bool
    """Whether it is in the tenant's `subscribedSkus`."""
    plans: Mapping[str, str] | None
    """servicePlanId in lower case → servicePlanName as written."""
    name_may_be_any: bool = False
    """True if neither the tenant nor the catalogue has its part number, so that any name might refer to it."""
    applies_to: str = "User"
    capability_status: str | None = None
    enabled: int | None = None
    warning: int | None = None
    suspended: int | None = None
    locked_out: int | None = None
    consumed: int | None = None
    trial: int = 0
    """Usable seats of trials."""

    @property
    def usable(self) -> int | None:
        """Seats that people may hold by the default rule: enabled + warning."""
        return None if self.enabled is None or self.warning is None else self.enabled + self.warning

    @property
    def spare(self) -> int | None:
        """Usable seats that nobody holds."""
        return None if self.usable is None or self.consumed is None else self.usable - self.consumed

    @property
    def costs_nothing(self) -> bool:
        """Whether all of its usable seats are those of trials."""
        return 0 < self.trial == self.usable

    @property
    def is_for_people(self) -> bool:
        """Whether it is assigned to people; storage, for example, is not."""
        return applies_to_people(self.applies_to)

    @property
    def label(self) -> str:
        """The part number, or the skuId if it is not known."""
        return self.part_number or self.sku_id

    @property
    def sort_key(self) -> tuple[str, str]:
        """The order of products in findings: part number, then skuId."""
        return (self.part_number or "", self.sku_id)


class TenantFacts:
    """The facts of one tenant except its people, derived from the snapshot and the catalogue."""

    def __init__(
        self,
        snapshot: Snapshot,
        catalogue: Catalogue,
        policies: PolicySet,
        as_of: datetime,
        *,
        earlier_dates: EarlierDates | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.manifest = snapshot.manifest
        self.catalogue: Catalogue = catalogue
        self.policies: PolicySet = policies
        self.as_of = as_of
        self.earlier_dates: EarlierDates = earlier_dates or {}
        """The next dates of subscriptions in earlier snapshots."""

    def coverage(self, source: Source) -> Coverage:
        """Return how far a source was read; a report that is too old on the day of the audit is unavailable."""
        return self._outdated_reports.get(source) or self.manifest.coverage(source)

    @property
    def sources(self) -> tuple[Coverage, ...]:
        """The coverage of the sources that a result lists."""
        return tuple(map(self.coverage, Source))

    @cached_property
    def refresh_dates(self) -> Mapping[Source, date]:
        """The last day that the report of each source covers; if it has several reports, the earliest."""
        return refresh_dates(self.snapshot.table("reports"))

    @cached_property
    def _outdated_reports(self) -> Mapping[Source, Coverage]:
        return outdated_reports(self.manifest, self.snapshot.table("reports"), self.refresh_dates, self.as_of.date())

    def status(self, source: Source) -> SourceStatus:
        """Return how much of a source was read."""
        return self.coverage(source).status

    @cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset(self.coverage(Source.USERS).asked)

    def is_requested(self, name: str) -> bool:
        """Return whether the user property was requested when the snapshot was taken."""
        return name == "id" or name in self._asked or GRAPH_PROPERTIES.get(name) in self._asked

    @cached_property
    def marks_mailboxes(self) -> bool:
        """Whether the snapshot lists the users whose mailbox could not be read; all other mailboxes were read then."""
        gaps = self.snapshot.not_collected
        return _MAILBOX in (self.users_without if gaps is None else gaps)

    @cached_property
    def users_without(self) -> Counter[str]:
        """Property, or a source such as `signInActivity` → how many users it was not collected for."""
        tables = (batch.users for batch in self.snapshot.batches((_GAPS,), ()))
        return Counter(
            name
            for users in tables
            if _GAPS in users.schema.names
            for name in users.column(_GAPS).flatten().to_pylist()
        )

    @cached_property
    def skus(self) -> tuple[SkuFact, ...]:
        """Every SKU that the tenant owns or that a user holds, sorted by `SkuFact.sort_key`."""
        plans = plans_by_sku(self.snapshot.table("service_plans"))
        trials = trial_seats(self.subscriptions)
        products = (self._owned(row, plans, trials) for row in _rows(self.snapshot.table("products")))
        owned = {fact.sku_id: fact for fact in products}
        held = [self._unowned(sku_id.lower()) for sku_id in self.snapshot.sku_ids if sku_id.lower() not in owned]
        return tuple(sorted((*owned.values(), *held), key=lambda fact: fact.sort_key))

    @cached_property
    def assignable(self) -> tuple[int, ...]:
        """Indices of the SKUs that the tenant owns and people can hold: those whose seats are evaluated."""
        return tuple(index for index, sku in enumerate(self.skus) if sku.owned and sku.is_for_people)

    @cached_property
    def assignable_skus(self) -> tuple[SkuFact, ...]:
        """The SKUs of `assignable`."""
        return tuple(self.skus[index] for index in self.assignable)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """SkuId → its index in `skus`."""
        return {fact.sku_id: position for position, fact in enumerate(self.skus)}

    @cached_property
    def owned_names(self) -> frozenset[str]:
        """Part numbers and skuIds of the SKUs that the tenant owns, casefolded."""
        owned = [sku for sku in self.skus if sku.owned]
        return frozenset({*(sku.sku_id for sku in owned), *((sku.part_number or "").casefold() for sku in owned)})

    @cached_property
    def owned_plans(self) -> frozenset[str]:
        """Names and ids of the service plans of the SKUs that the tenant owns, casefolded."""
        plans = [item for sku in self.skus if sku.owned for item in (sku.plans or {}).items()]
        return frozenset({name.casefold() for plan in plans for name in plan})

    @cached_property
    def every_sku(self) -> tuple[SkuFact, ...]:
        """The tenant's SKUs, in the order of `skus`, and all others of the catalogue."""
        others = [self._unowned(sku_id) for sku_id in self.catalogue.products if sku_id not in self.index]
        return (*self.skus, *others)

    def sku_of(self, sku_id: str, part_number: str | None = None) -> SkuFact:
        """Return the facts of any SKU; one that the tenant no longer owns is looked up in the catalogue.

        `part_number` is the part number that the subject itself has, if any.
        """
        index = self.index.get(sku_id)
        if index is not None and self.skus[index].owned:
            return self.skus[index]
        return self._unowned(sku_id, part_number)

    def _owned(
        self, row: Mapping[str, Any], plans: Mapping[str, Mapping[str, str]], trials: Mapping[str, int]
    ) -> SkuFact:
        """Describe a SKU of `subscribedSkus`; the catalogue adds a part number and plans that were not read."""
        # Interned, because the results of many tenants contain the same products.
        sku_id, name = intern(row["skuId"].lower()), _interned_text(row["skuPartNumber"] or None)
        listed = None if name and sku_id in plans else self._unowned(sku_id, name)
        return SkuFact(
            sku_id=sku_id,
            part_number=name if listed is None else listed.part_number,
            owned=True,
            plans=plans.get(sku_id) if listed is None else plans.get(sku_id, listed.plans),
            name_may_be_any=listed is not None and listed.part_number is None,
            applies_to=intern(row["appliesTo"] or "User"),
            capability_status=_interned_text(row["capabilityStatus"]),
            enabled=row["enabled"],
            warning=row["warning"],
            suspended=row["suspended"],
            # The clouds for governments and China do not have this state.
            locked_out=row["lockedOut"] or 0,
            consumed=row["consumed"],
            trial=min(trials.get(sku_id, 0), (row["enabled"] or 0) + (row["warning"] or 0)),
        )

    def _unowned(self, sku_id: str, part_number: str | None = None) -> SkuFact:
        """Describe a SKU that is not in `subscribedSkus`, from the catalogue."""
        product = self.catalogue.product(sku_id)
        name = part_number or (product.part_number if product else None)
        plans = None if product is None else tuple((plan.id.lower(), plan.name) for plan in product.plans)
        return SkuFact(
            sku_id=sku_id,
            part_number=name,
            owned=False,
            plans=None if plans is None else shared_plans(plans),
            name_may_be_any=name is None and self.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.COMPLETE,
        )

    def subscription_sku(self, subscription: Mapping[str, Any]) -> SkuFact:
        """Return the SKU of a row of subscriptions; if the tenant no longer owns it, the row's part number is used."""
        return self.sku_of(subscription["skuId"] or "", subscription["skuPartNumber"])

    def title(self, fact: SkuFact) -> str:
        """Return the friendly name of a SKU; if it is not in the catalogue, its part number, or else its id."""
        product = self.catalogue.product(fact.sku_id)
        return product.name if product is not None else fact.label

    @cached_property
    def subscriptions(self) -> Sequence[Mapping[str, Any]]:
        """The rows of subscriptions.parquet, sorted by id."""
        return sorted(_rows(self.snapshot.table("subscriptions")), key=lambda row: row["id"])

    @cached_property
    def groups(self) -> tuple[GroupFact, ...]:
        """The groups that were read, sorted by id."""
        return tuple(
            sorted((group_of(row) for row in _rows(self.snapshot.table("groups"))), key=lambda group: group.id)
        )

    @cached_property
    def role_definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows of role_definitions.parquet by lower-case id."""
        return {row["id"].lower(): row for row in _rows(self.snapshot.table("role_definitions"))}

    def knows_role(self, name: str) -> bool:
        """Return whether the tenant has a role of that name or id, or may have one because not all roles were read."""
        if ROLE_DEFINITION_LIST not in self.coverage(Source.DIRECTORY_ROLES).asked:
            return True
        return name.casefold() in self._role_names

    @cached_property
    def _role_names(self) -> frozenset[str]:
        rows = self.role_definitions.values()
        return frozenset((row[key] or "").casefold() for row in rows for key in ("id", "templateId", "displayName"))

    @cached_property
    def group_names(self) -> Mapping[str, str]:
        """Group id → display name, of the groups that were read."""
        return {group.id: group.name for group in self.groups if group.name}


_GAPS, _MAILBOX = "notCollected", "mailboxType"


def _rows(table: pa.Table) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table; they are read by column, which is several times as fast as by row."""
    names = table.column_names
    return (
        dict(zip(names, row, strict=True))
        for row in zip(*(table.column(name).to_pylist() for name in names), strict=True)
    )


def _interned_text(text: str | None) -> str | None:
    return None if text is None else intern(text)
