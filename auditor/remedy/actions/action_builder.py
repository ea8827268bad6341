"""The findings of one tenant, group by group, into the same findings with their guidance, and the tenant's actions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding
from auditor.domain.result.finding_stats import Concern
from auditor.domain.result.model import TenantResult
from auditor.engine.columns.bitsets import indices
from auditor.engine.outcome import Rows
from auditor.findings.columns import alike, coded, decode, equal, json_value, replaced
from auditor.findings.spill import SpillFile
from auditor.guidance import Library
from auditor.remedy.actions.action_lists import ActionLists
from auditor.remedy.actions.build import ActionInputs, actions_from
from auditor.remedy.actions.context import RoutedFinding, context_of
from auditor.remedy.actions.groups import ActionGroup, ActionGroups
from auditor.remedy.actions.guidance.routes import route_of, routes_of
from auditor.remedy.actions.people import PERSONAL, PersonRemedies, smaller_products, sort_key
from auditor.remedy.actions.remedies.choice import object_remedy
from auditor.remedy.actions.remedies.proposals import asks_to_downgrade
from auditor.remedy.actions.seats.ledger import settle_seats
from auditor.remedy.messages import ENGLISH, Localizer

_SITUATIONS: Final = 1 << 15
"""Situations, and values on which they depend, that are remembered."""


class ActionBuilder:
    """Builds the actions of a tenant from groups of findings that hold all findings about their subjects.

    `today` is the day of the audit, in UTC. With a `spill` file the lists of actions about very many people are kept
    there. `l10n` is the language of the actions' texts, `groups` are names of groups by id.
    """

    def __init__(
        self,
        tenant: TenantResult,
        policies: PolicySet,
        today: date,
        library: Library,
        *,
        l10n: Localizer = ENGLISH,
        groups: Mapping[str, str] | None = None,
        spill: SpillFile | None = None,
    ) -> None:
        self._context = context_of(tenant, policies, today, ())
        self._proposing = {name for name in self._context.policies if asks_to_downgrade(self._context, name)}
        self._library = library
        self._l10n = l10n
        self._names = groups or {}
        self._quoted_names: dict[str, str] = {}
        self._groups = ActionGroups({})
        self._lists = ActionLists(spill)
        self._people = PersonRemedies(self._context, self._groups, self._lists)
        self._objects: list[Finding] = []
        self._part_numbers: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add findings in report order, with all about their subjects; return them with the guidance that fixes each.

        Raises DeliveryError where the disk of the spill file is full.
        """
        routes, route_of = self._routes(batch)
        users = equal(batch.column("subjectType"), SubjectType.USER.value)
        people = np.flatnonzero(users & equal(batch.column("status"), Status.OPEN.value))
        proposed, smaller = smaller_products(batch, self._proposing)
        self._people.add(
            batch.select(PERSONAL).take(indices(people)), (routes, route_of[people]), (smaller, proposed[people])
        )
        # Seats are settled once it is known what everybody is to get and to give back.
        self._objects += decode(batch.take(indices(np.flatnonzero(~users))))
        self._quoted_names.update(_group_names(map(json_value, batch.column("paths").dictionary.to_pylist())))
        products = batch.select(["skuId", "skuPartNumber"])
        for first in np.sort(alike(products, products.schema.names)[0]).tolist():
            sku_id, part_number = (products.column(name)[first].as_py() for name in products.schema.names)
            if sku_id and part_number:
                self._part_numbers.setdefault(sku_id, part_number)
        return replaced(batch, "guidance", coded([route.article for route in routes], route_of))

    def guide(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return findings with the guidance that fixes each, for who needs no actions."""
        routes, route_of = self._routes(batch)
        return replaced(batch, "guidance", coded([route.article for route in routes], route_of))

    def actions(self) -> tuple[tuple[Action, ...], dict[str, Concern]]:
        """Return the actions once all findings were added, and by action id whom they are about."""
        context = replace(self._context.of(self._objects), part_numbers=self._part_numbers)
        opened = (finding for finding in self._objects if finding.status is Status.OPEN)
        self._groups.add((sort_key(each), object_remedy(each, route_of(each, context))) for each in opened)
        settle_seats(self._groups, context)
        names = {**self._quoted_names, **self._names}
        inputs = ActionInputs.of(context, self._library, l10n=self._l10n, groups=names)
        concerns = {inputs.identity(group): _concern(group) for group in self._groups}
        return actions_from(inputs, map(self._listed, self._groups)), concerns

    def _routes(self, batch: pa.RecordBatch) -> tuple[list[RoutedFinding], Rows]:
        context = self._context
        caches = context.routes, context.routes_by_facts, context.facts, context.paths, context.products
        if any(len(each) > _SITUATIONS for each in caches):
            for each in caches:
                each.clear()
        return routes_of(batch, context)

    def _listed(self, group: ActionGroup) -> tuple[ActionGroup, Sequence[str], Sequence[Mapping[str, Any]]]:
        """Return a group with the fingerprints of its findings and its requests."""
        fingerprints = self._lists.fingerprints(group.number, group.fingerprints)
        requests = self._lists.requests(group.number)
        return group, fingerprints, (*requests, *group.documents) if group.requests else requests


def _group_names(lists: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """Return the names of groups that lists of paths quote, by id."""
    paths = (path for listed in lists for path in listed)
    return {path["assignedByGroup"]: path["groupName"] for path in paths if path.get("groupName")}


def _concern(group: ActionGroup) -> Concern:
    severity = tuple(Severity)[group.worst[0]] if group.worst[0] < len(Severity) else Severity.INFO
    return Concern(worst=severity, people=group.people if group.names else 0, names=tuple(group.names))
