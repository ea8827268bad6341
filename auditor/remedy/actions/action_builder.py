"""The findings of one tenant, group by group, into the same findings with their guidance, and the tenant's actions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding_stats import Concern
from auditor.domain.result.model import Action, Finding, TenantResult
from auditor.engine.columns.bitsets import indices
from auditor.engine.outcome import Rows
from auditor.findings.columns import alike, coded, decode, equal, json_value, replaced
from auditor.findings.spill import SpillFile
from auditor.guidance import Library
from auditor.remedy.actions.action_lists import ActionLists
from auditor.remedy.actions.build import action_context, actions_from
from auditor.remedy.actions.context import RoutedFinding, circumstances, situations_of
from auditor.remedy.actions.groups import ActionGroup, ActionGroups
from auditor.remedy.actions.guidance.routes import routes_of
from auditor.remedy.actions.people import PERSONAL, PersonRemedies, smaller_products, sort_key
from auditor.remedy.actions.proposals import asks_to_downgrade
from auditor.remedy.actions.remedies import object_remedies
from auditor.remedy.actions.seats.ledger import settle_seats
from auditor.remedy.messages import ENGLISH, Localizer

_SITUATIONS: Final = 1 << 15
"""Situations, and values on which they depend, that are remembered."""


class ActionBuilder:
    """Builds the actions of a tenant from groups of findings that hold all findings about their subjects.

    With a `spill` file the lists of actions about very many people are kept there. `l10n` is the language of the
    actions' texts, `groups` are names of groups by id.
    """

    def __init__(
        self,
        tenant: TenantResult,
        policies: PolicySet,
        library: Library,
        *,
        l10n: Localizer = ENGLISH,
        groups: Mapping[str, str] | None = None,
        spill: SpillFile | None = None,
    ) -> None:
        self._known = circumstances(tenant, policies, ())
        self._proposing = {name for name, policy in self._known.policies.items() if asks_to_downgrade(policy)}
        self._library = library
        self._l10n = l10n
        self._names = groups or {}
        self._quoted_names: dict[str, str] = {}
        self._groups = ActionGroups({})
        self._lists = ActionLists(spill)
        self._people = PersonRemedies(self._known, self._groups, self._lists)
        self._objects: list[Finding] = []
        self._part_numbers: dict[str, str] = {}

    def take(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Take findings in report order, with all about their subjects; return them with the guidance that fixes each.

        Raises DeliveryError where the disk of the spill file is full.
        """
        routes, route_of = self._routes(batch)
        users = equal(batch.column("subjectType"), SubjectType.USER.value)
        people = np.flatnonzero(users & equal(batch.column("status"), Status.OPEN.value))
        proposed, smaller = smaller_products(batch, self._proposing)
        self._people.take(
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
        """Return the actions once all findings were taken, and by action id whom they are about."""
        known = replace(self._known.of(self._objects), held=self._part_numbers)
        remedies = object_remedies(self._known, self._objects, situations_of(known))
        self._groups.take((sort_key(finding), remedy) for finding, remedy in remedies)
        settle_seats(self._groups, known)
        names = {**self._quoted_names, **self._names}
        context = action_context(known, self._library, l10n=self._l10n, groups=names)
        concerns = {context.identity(group): _concern(group) for group in self._groups}
        return actions_from(context, map(self._listed, self._groups)), concerns

    def _routes(self, batch: pa.RecordBatch) -> tuple[list[RoutedFinding], Rows]:
        known = (self._known.routes, self._known.situated, self._known.facts, self._known.paths, self._known.products)
        if any(len(each) > _SITUATIONS for each in known):
            for each in known:
                each.clear()
        return routes_of(batch, self._known)

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
