"""The findings of one tenant, group by group, into the same findings with their guidance, and the tenant's actions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.finding_stats import Concern
from auditor.domain.policy import PolicySet
from auditor.domain.result import Action, Finding, TenantResult
from auditor.engine.columns.bitsets import indices
from auditor.engine.outcome import Rows
from auditor.findings.columns import alike, coded, decode, equal, json_value, replaced
from auditor.findings.spill import SpillFile
from auditor.guidance import Library
from auditor.remedy.actions.build import actions_from, office_of
from auditor.remedy.actions.context import RoutedFinding, circumstances, situations_of
from auditor.remedy.actions.groups import ActionGroup, ActionGroups, Place
from auditor.remedy.actions.remedies import mended
from auditor.remedy.actions.routes import routes_of
from auditor.remedy.actions.seat_ledger import settle_seats
from auditor.remedy.actions.spilled_lists import ActionLists
from auditor.remedy.messages import ENGLISH, Words

_SITUATIONS: Final = 1 << 14
"""Situations that are remembered."""


class ActionBuilder:
    """Builds the actions of a tenant from groups of findings that hold all findings about their subjects.

    With a `spill` file the lists of actions about very many people are kept there. `words` looks up the language of the
    actions' texts, `groups` are names of groups by id.
    """

    def __init__(
        self,
        tenant: TenantResult,
        policies: PolicySet,
        library: Library,
        *,
        words: Words = ENGLISH,
        groups: Mapping[str, str] | None = None,
        spill: SpillFile | None = None,
    ) -> None:
        self._known = circumstances(tenant, policies, ())
        self._library = library
        self._words = words
        self._names = groups or {}
        self._quoted_names: dict[str, str] = {}
        self._groups = ActionGroups({}, named=True)
        self._lists = ActionLists(spill)
        self._objects: list[Finding] = []
        self._part_numbers: dict[str, str] = {}

    def take(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Take findings in report order, with all about their subjects; return them with the guidance that mends each.

        Raises DeliveryError where the disk of the spill file is full.
        """
        routes, route_of = self._routes(batch)
        users = equal(batch.column("subjectType"), SubjectType.USER.value)
        people = np.flatnonzero(users & equal(batch.column("status"), Status.OPEN.value))
        # Evidence is most of a finding; what mends people needs little of it.
        found = batch.drop_columns("evidence").take(indices(people))
        self._collect(decode(found, brief=True), [routes[route] for route in route_of[people].tolist()])
        # Seats are settled once it is known what everybody is to get and to give back.
        self._objects += decode(batch.take(indices(np.flatnonzero(~users))))
        self._quoted_names.update(_group_names(map(json_value, batch.column("paths").dictionary.to_pylist())))
        products = batch.select(["skuId", "skuPartNumber"])
        for first in np.sort(alike(products, products.schema.names)[0]).tolist():
            sku_id, part_number = (products.column(name)[first].as_py() for name in products.schema.names)
            if sku_id and part_number:
                self._part_numbers.setdefault(sku_id, part_number)
        self._lists.shorten(list(self._groups))
        return replaced(batch, "guidance", coded([route.article for route in routes], route_of))

    def guide(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return findings with the guidance that mends each, for who needs no actions."""
        routes, route_of = self._routes(batch)
        return replaced(batch, "guidance", coded([route.article for route in routes], route_of))

    def actions(self) -> tuple[tuple[Action, ...], dict[str, Concern]]:
        """Return the actions once all findings were taken, and by action id whom they are about."""
        known = replace(self._known.of(self._objects), held=self._part_numbers)
        self._collect(self._objects, situations_of(known))
        settle_seats(self._groups, known)
        names = {**self._quoted_names, **self._names}
        office = office_of(known, self._library, words=self._words, groups=names)
        concerns = {office.identity(group): _concern(group) for group in self._groups}
        return actions_from(office, [(group, *self._lists.of(group)) for group in self._groups]), concerns

    def _routes(self, batch: pa.RecordBatch) -> tuple[list[RoutedFinding], Rows]:
        if len(self._known.routes) > _SITUATIONS:
            self._known.routes.clear()
            self._known.situated.clear()
        return routes_of(batch, self._known)

    def _collect(self, findings: Iterable[Finding], situations: Sequence[RoutedFinding]) -> None:
        placed = mended(self._known, findings, situations)
        self._groups.take((_place(first), remedy) for first, remedies in placed for remedy in remedies)


def _group_names(lists: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """Return the names of groups that lists of paths quote, by id."""
    paths = (path for listed in lists for path in listed)
    return {path["assignedByGroup"]: path["groupName"] for path in paths if path.get("groupName")}


def _place(finding: Finding) -> Place:
    return finding.severity.rank, finding.policy, finding.check


def _concern(group: ActionGroup) -> Concern:
    severity = tuple(Severity)[group.worst[0]] if group.worst[0] < len(Severity) else Severity.INFO
    return Concern(worst=severity, people=group.people if group.names else 0, names=tuple(group.names))
