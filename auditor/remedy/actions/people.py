"""Assigns findings about people, as columns, to action groups; remedies are chosen once for people with equal findings.

The remedies of a person depend on the findings, not on who the person is. So the findings of a person are represented
by a sequence of numbers, the pattern; remedies are chosen for the first person with a pattern, and reused for the
others.
"""

from array import array
from collections.abc import Collection, Hashable, Sequence
from sys import intern
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.equal_rows import combined, equal_rows
from auditor.arrays.rows import Rows, arrow_rows
from auditor.arrays.texts import codes, values_of
from auditor.domain.enums import Severity
from auditor.domain.result.finding import Finding
from auditor.findings.columns import SCHEMA, decode, json_text, json_value, replaced
from auditor.findings.person_names import NAMED, person_labels
from auditor.remedy.actions.action_groups import ActionGroups, SortKey
from auditor.remedy.actions.action_lists import ActionLists
from auditor.remedy.actions.breakdown import BreakdownPart, parts_of
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.guidance.routes import projected
from auditor.remedy.actions.remedies.choice import personal_remedies
from auditor.remedy.actions.remedies.proposals import SMALLER
from auditor.remedy.actions.remedies.targets import given_by
from auditor.remedy.requests import RequestTemplate

_CODED: Final = ("policy", "check", "product", "skuId", "skuPartNumber", "detail")
"""The columns on which remedies depend, besides the groups of the paths and the route."""
PERSONAL: Final = [name for name in SCHEMA.names if name != "evidence"]
"""The columns of findings that are read."""
_MAX_KINDS: Final = 1 << 13
_MAX_PATTERNS: Final = 1 << 15
"""Maximum numbers of cached kinds of findings, and of cached patterns."""


class _Ragged(Struct):
    """Lists of numbers of different lengths, concatenated."""

    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q", (0,)))

    def append(self, values: Sequence[int]) -> None:
        """Append a list."""
        self.numbers.extend(values)
        self.ends.append(len(self.numbers))

    def of(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return the concatenated numbers of the lists in `rows`, and for each number the index in `rows`."""
        ends = np.frombuffer(self.ends, dtype=np.int64)
        starts = ends[rows]
        sizes = ends[rows + 1] - starts
        owners = np.repeat(np.arange(len(rows)), sizes)
        if not len(owners):
            return owners, owners
        within = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.frombuffer(self.numbers, dtype=np.int64)[starts[owners] + within], owners


class PersonRemedies:
    """Assigns findings about people to action groups, batch by batch."""

    def __init__(self, context: RemediationContext, groups: ActionGroups, lists: ActionLists) -> None:
        self._context = context
        self._groups = groups
        self._lists = lists
        self._kinds: dict[tuple[object, ...], int] = {}
        self._given_by: dict[str | None, Hashable] = {}
        """Cache: assignment paths as JSON → the groups that give the product."""
        self._examples: list[tuple[Finding, RoutedFinding]] = []
        """For each kind a finding without its person, and its route."""
        self._patterns: dict[bytes, int] = {}
        self._part_numbers: dict[tuple[int, BreakdownPart], int] = {}
        """Number of an action group, and part of its breakdown → number, in ascending order."""
        self._forget()

    def add(
        self, batch: pa.RecordBatch, routes: tuple[Sequence[RoutedFinding], Rows], smaller: tuple[Sequence[str], Rows]
    ) -> None:
        """Add open findings about people in report order; the batch must contain all findings about each person.

        `routes` and `smaller` are the distinct routes and smaller products, each with the index per finding. Raises
        DeliveryError if the disk of the spill file is full.
        """
        if not batch.num_rows:
            return
        if len(self._kinds) > _MAX_KINDS or len(self._patterns) > _MAX_PATTERNS:
            self._forget()
        kinds = self._kinds_of(batch, routes, smaller)
        person = codes(batch.column("subjectId").dictionary_encode())
        # Sort findings by person, in report order; people are in the order of their first findings.
        order = np.argsort(person, kind="stable")
        starts = np.flatnonzero(np.append(True, np.diff(person[order]) > 0))
        pattern = self._patterns_of(kinds[order], starts)
        group, _ = self._group_of.of(pattern)
        self._lists.add_fingerprints(group, batch.column("fingerprint").take(arrow_rows(order)))
        self._weigh(batch, order, group)
        first = batch.select(["subjectId", "subjectName", "principal"]).take(arrow_rows(order[starts]))
        groups, people = self._distinct.of(pattern)
        self._name(groups, people, first)
        self._count_parts(pattern)
        requested, owners = self._request_groups.of(pattern)
        if len(requested):
            users = first.column("subjectId").take(arrow_rows(owners))
            self._lists.add_requests(requested, self._templates.of(pattern)[0], users)

    def _forget(self) -> None:
        """Empty the caches; the lists have an entry for each pattern."""
        self._kinds.clear()
        self._given_by.clear()
        self._examples.clear()
        self._patterns.clear()
        self._group_of, self._distinct = _Ragged(), _Ragged()
        self._request_groups, self._templates = _Ragged(), _Ragged()
        self._parts = _Ragged()

    def _kinds_of(
        self, batch: pa.RecordBatch, routes: tuple[Sequence[RoutedFinding], Rows], smaller: tuple[Sequence[str], Rows]
    ) -> Rows:
        """Return the kind of each finding, as a number; findings that differ only in the person are of one kind."""
        firsts, row_of = equal_rows(batch, _CODED)
        (all_routes, route_of), (proposals, proposed) = routes, smaller
        group_of, lists = projected(batch.column("paths"), given_by, self._given_by)
        firsts, kind_of = combined(
            ((row_of, len(firsts)), (group_of, len(lists)), (route_of, len(all_routes)), (proposed, len(proposals)))
        )
        distinct_rows = batch.select(list(_CODED)).take(arrow_rows(firsts))
        row_routes = [all_routes[route] for route in route_of[firsts].tolist()]
        groups = [lists[number] for number in group_of[firsts].tolist()]
        smaller_of = [proposals[number] for number in proposed[firsts].tolist()]
        keys = list(zip(*map(values_of, distinct_rows.columns), groups, row_routes, smaller_of, strict=True))
        numbers = [self._kinds.setdefault(key, len(self._kinds)) for key in keys]
        # Routes may be equal, so several rows may be of the same new kind.
        firsts_of = {number: row for row, number in reversed(list(enumerate(numbers)))}
        added = range(len(self._examples), len(self._kinds))
        new = [firsts_of[number] for number in added]
        rows = batch.take(arrow_rows(firsts[np.array(new, dtype=np.int64)]))
        examples = decode(_without_person(rows, added), brief=True)
        self._examples += [
            (_with_smaller_product(finding, smaller_of[row]), row_routes[row])
            for row, finding in zip(new, examples, strict=True)
        ]
        return np.array(numbers, dtype=np.int32)[kind_of]

    def _patterns_of(self, kinds: Rows, starts: Rows) -> Rows:
        """Return the number of each person's pattern, and store new ones; the kinds of a person begin at `starts`."""
        data, size = kinds.tobytes(), kinds.itemsize
        ends = [*(size * starts[1:]).tolist(), len(data)]
        numbers: list[int] = []
        for start, end in zip((size * starts).tolist(), ends, strict=True):
            key = data[start:end]
            number = self._patterns.get(key)
            if number is None:
                number = self._patterns[key] = len(self._patterns)
                self._store_pattern(kinds[start // size : end // size].tolist())
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)

    def _store_pattern(self, kinds: Sequence[int]) -> None:
        """Store the pattern of a person with findings of these kinds; its remedies are added to the groups."""
        findings, routes = zip(*(self._examples[kind] for kind in kinds), strict=True)
        key = sort_key(findings[0])
        group_of: dict[str, int] = {}
        requests: list[tuple[int, int]] = []
        parts: list[int] = []
        for remedy in personal_remedies(self._context, findings, routes):
            action_group = self._groups.lead(remedy, key)
            group = action_group.number
            if action_group.breakdown is not None:
                numbers = self._part_numbers
                parts += [numbers.setdefault((group, part), len(numbers)) for part in parts_of(remedy)]
            group_of |= {finding.fingerprint: group for finding in remedy.findings}
            templates = (RequestTemplate.of(request, remedy.subject) for request in remedy.requests)
            requests += [(group, self._lists.template(key, template)) for template in templates]
        self._group_of.append([group_of[finding.fingerprint] for finding in findings])
        self._distinct.append(list(dict.fromkeys(group_of.values())))
        self._request_groups.append([group for group, _ in requests])
        self._templates.append([template for _, template in requests])
        self._parts.append(list(dict.fromkeys(parts)))  # a person with several findings about a product counts once

    def _count_parts(self, pattern: Rows) -> None:
        """Count people in the breakdowns of action groups."""
        numbers, _ = self._parts.of(pattern)
        counts = np.bincount(numbers, minlength=len(self._part_numbers)).tolist()
        for (group, part), count in zip(self._part_numbers, counts, strict=True):
            if count and (breakdown := self._groups.numbered[group].breakdown) is not None:
                breakdown.people[part] += count

    def _weigh(self, batch: pa.RecordBatch, order: Rows, group: Rows) -> None:
        """Weigh in each group the first fingerprint of each policy and severity."""
        columns = [batch.column(name) for name in ("severity", "policy")]
        numbers = [(codes(column)[order], len(column.dictionary) + 1) for column in columns]
        ranks = pc.rank(batch.column("fingerprint"), tiebreaker="first").to_numpy()[order]
        firsts, key_of = combined(((group, int(group.max()) + 1), *numbers))
        descending = np.argsort(-ranks.astype(np.int64), kind="stable")
        least = np.empty(len(firsts), dtype=np.int64)
        least[key_of[descending]] = descending  # the last one assigned is the least
        rows = arrow_rows(order[least])
        severities, policies, fingerprints = (
            values_of(batch.column(name).take(rows)) for name in ("severity", "policy", "fingerprint")
        )
        for number, severity, policy, text in zip(
            group[least].tolist(), severities, policies, fingerprints, strict=True
        ):
            self._groups.numbered[number].weigh(policy, (Severity(severity).rank, text))

    def _name(self, groups: Rows, people: Rows, first: pa.RecordBatch) -> None:
        """Count the people of each group, and add the names of the first few in alphabetical order."""
        labels = person_labels(first)
        ranks = pc.rank(labels, tiebreaker="first").to_numpy().astype(np.int64)[people]
        order = np.lexsort((ranks, groups))
        ordered = groups[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        counts = np.diff(np.append(starts, len(ordered)))
        within = np.arange(len(ordered)) - np.repeat(starts, counts)
        # Interned, because several actions name the same person.
        names = list(map(intern, values_of(labels.take(arrow_rows(people[order[within < NAMED]])))))
        end = 0
        for number, count in zip(ordered[starts].tolist(), counts.tolist(), strict=True):
            start, end = end, end + min(count, NAMED)
            self._groups.numbered[number].name(count, names[start:end])


def _without_person(batch: pa.RecordBatch, numbers: Sequence[int]) -> pa.RecordBatch:
    """Return findings without their person, with numbers in place of the fingerprints."""
    empty = pa.repeat("", batch.num_rows)
    fingerprints = pa.array(map(str, numbers), pa.string())
    for name, column in (("subjectId", empty), ("subjectName", empty), ("fingerprint", fingerprints)):
        batch = replaced(batch, name, column)
    return batch


def _with_smaller_product(finding: Finding, smaller: str) -> Finding:
    """Return a finding with a smaller product, given as JSON, in its evidence."""
    return replace(finding, evidence={**finding.evidence, SMALLER: json_value(smaller)}) if smaller else finding


def smaller_products(batch: pa.RecordBatch, policies: Collection[str]) -> tuple[Rows, Sequence[str]]:
    """Return for each finding of these policies the index of the smaller product in its evidence, and these as JSON.

    Index 0 stands for no smaller product.
    """
    product_codes, numbers = np.zeros(batch.num_rows, dtype=np.int64), {"": 0}
    is_relevant = np.array([name in policies for name in batch.column("policy").dictionary.to_pylist()], dtype=bool)
    for row in np.flatnonzero(is_relevant[codes(batch.column("policy"))]).tolist() if is_relevant.any() else ():
        text = batch.column("evidence")[row].as_py()
        smaller = json_value(text).get(SMALLER) if text else None  # tables of findings are written without evidence
        product_codes[row] = 0 if smaller is None else numbers.setdefault(json_text(smaller), len(numbers))
    return product_codes, list(numbers)


def sort_key(finding: Finding) -> SortKey:
    """Return the sort key of the remedies of a person or object, from their first finding."""
    return finding.severity.rank, finding.policy, finding.check
