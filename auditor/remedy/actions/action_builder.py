"""Adds guidance to the findings of one tenant, batch by batch, and builds the tenant's actions from them."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import Rows, arrow_rows
from auditor.arrays.texts import dictionary_column, equal
from auditor.domain.actions.action import Action
from auditor.domain.enums import Status, SubjectType
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.domain.translation import Localizer
from auditor.findings.columns import decode, json_value, replaced
from auditor.findings.spill import SpillFile
from auditor.guidance import Library
from auditor.remedy.actions.action_groups import ActionGroup, ActionGroups
from auditor.remedy.actions.action_inputs import ActionInputs
from auditor.remedy.actions.action_lists import ActionLists
from auditor.remedy.actions.context import RoutedFinding, context_of
from auditor.remedy.actions.endings import settle_endings
from auditor.remedy.actions.from_groups import actions_from
from auditor.remedy.actions.guidance.routes import route_of, routes_of
from auditor.remedy.actions.people import PERSONAL, PersonRemedies, smaller_products, sort_key
from auditor.remedy.actions.remedies.choice import object_remedy
from auditor.remedy.actions.remedies.proposals import asks_to_downgrade
from auditor.remedy.actions.seats.settlement import settle_seats
from auditor.remedy.english import ENGLISH

_MAX_CACHED: Final = 1 << 15
"""Maximum number of entries in each cache of situations and of the values on which they depend."""


class ActionBuilder:
    """Builds the actions of a tenant from batches that contain all findings about their subjects.

    `today` is the day of the audit, in UTC. If there is a `spill` file, the lists of actions about very many people are
    stored there. `l10n` is the language of the actions' texts.
    """

    def __init__(
        self,
        tenant: TenantResult,
        policies: PolicySet,
        today: date,
        library: Library,
        *,
        l10n: Localizer = ENGLISH,
        spill: SpillFile | None = None,
    ) -> None:
        self._context = context_of(tenant, policies, today, ())
        self._downgrade_policies = {name for name in self._context.policies if asks_to_downgrade(self._context, name)}
        self._library = library
        self._l10n = l10n
        self._path_group_names: dict[str, str] = {}
        self._groups = ActionGroups(self._context.owners)
        self._lists = ActionLists(spill)
        self._people = PersonRemedies(self._context, self._groups, self._lists)
        self._object_findings: list[Finding] = []
        self._part_numbers: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add a batch of findings in report order; return it with the guidance that fixes each finding.

        The batch must contain all findings about its subjects. Raises DeliveryError if the disk of the spill file is
        full.
        """
        routes, route_of = self._routes(batch)
        users = equal(batch.column("subjectType"), SubjectType.USER.value)
        people = np.flatnonzero(users & equal(batch.column("status"), Status.OPEN.value))
        proposed, smaller = smaller_products(batch, self._downgrade_policies)
        personal = _rows(batch.select(PERSONAL), people)
        self._people.add(personal, (routes, route_of[people]), (smaller, proposed[people]))
        # Actions about seats are settled later, once it is known what everybody gets and gives back.
        self._object_findings += decode(_rows(batch, np.flatnonzero(~users)))
        paths = chain.from_iterable(map(json_value, batch.column("paths").dictionary.to_pylist()))
        names = {path["assignedByGroup"]: path["groupName"] for path in paths if path.get("groupName")}
        self._path_group_names.update(names)
        products = batch.select(["skuId", "skuPartNumber"])
        for row in np.sort(equal_rows(products, products.schema.names)[0]).tolist():
            sku_id, part_number = (products.column(name)[row].as_py() for name in products.schema.names)
            if sku_id and part_number:
                self._part_numbers.setdefault(sku_id, part_number)
        return replaced(batch, "guidance", dictionary_column([route.article for route in routes], route_of))

    def guide(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return findings with the guidance that fixes each, without building actions."""
        routes, route_of = self._routes(batch)
        return replaced(batch, "guidance", dictionary_column([route.article for route in routes], route_of))

    def actions(self, tenant: TenantResult) -> tuple[Action, ...]:
        """Return the actions after all findings were added; `tenant` has the outcome of the evaluation."""
        of_objects = self._context.of(self._object_findings)
        context = replace(of_objects, tenant=tenant, part_numbers=self._part_numbers)
        open_findings = (finding for finding in self._object_findings if finding.status is Status.OPEN)
        self._groups.add(
            (sort_key(finding), object_remedy(finding, route_of(finding, context))) for finding in open_findings
        )
        settle_seats(self._groups, context)
        settle_endings(self._groups, context.today)
        inputs = ActionInputs.of(context, self._library, self._l10n, self._path_group_names, planned=False)
        return actions_from(inputs, map(self._listed, self._groups))

    def _routes(self, batch: pa.RecordBatch) -> tuple[list[RoutedFinding], Rows]:
        context = self._context
        caches = context.routes, context.routed, context.facts, context.paths, context.products
        if any(len(cache) > _MAX_CACHED for cache in caches):
            for cache in caches:
                cache.clear()
        return routes_of(batch, context)

    def _listed(self, group: ActionGroup) -> tuple[ActionGroup, Sequence[str], Sequence[Mapping[str, Any]]]:
        """Return a group with the fingerprints of its findings and its requests."""
        fingerprints = self._lists.fingerprints(group.number, group.fingerprints)
        requests = self._lists.requests(group.number)
        return group, fingerprints, (*requests, *group.documents) if group.requests else requests


def _rows(batch: pa.RecordBatch, rows: Rows) -> pa.RecordBatch:
    """Return some rows, in ascending order; usually these are all or none, which are not copied."""
    if len(rows) in {0, batch.num_rows}:
        return batch.slice(0, len(rows))
    return batch.take(arrow_rows(rows))
