"""Findings in a scratch file into Findings, some thousands at a time, in the order of reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from auditor.domain.result import Finding
from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.bitsets import distinct
from auditor.engine.evidence import UserEvidence
from auditor.engine.finding_builder import Guide, in_order, of_people, of_thing
from auditor.engine.outcome import OPEN
from auditor.engine.recalling import Recall
from auditor.engine.spilling import DETAIL, PRODUCT, ROW, WAIVER, Columns, Key
from auditor.engine.streaming import Spilled

_AT_ONCE: Final = 4096
"""Findings that are described together."""
_TOGETHER: Final = 4096
"""People about whom all findings are described together."""

Pairs = Mapping[tuple[str, str], tuple[str, ...]]
"""(policy, user) → products: skuIds, or the policy's words."""
Others = Callable[[frozenset[str]], Pairs]
"""Of whom, among the people that a stretch of findings is about, the same policy says one of some checks, unwaived, and
of which products."""
Guiding = Callable[[str, Others], Guide]
"""Returns what guides the findings of one check, in a stretch of them."""


class Retelling:
    """The findings of one tenant, described again each time they are walked."""

    def __init__(self, plan: BoundPolicies, found: Spilled, recall: Recall) -> None:
        self._plan = plan
        self._found = found
        self._recall = recall
        self._details = [*found.spill.details, None]
        # A product as a policy writes it has a number below -1, from the end of this list on; -1 is none.
        self._written = [*reversed(found.spill.written), None]

    def __len__(self) -> int:
        return self._found.count

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The policies, by their ids, and checks that found something, in the order of reports."""
        places = {(single.policy, single.check) for single in self._found.evaluation.singles}
        return [(self._plan.policies[place].id, check) for place, check in sorted(places.union(self._found.spill.keys))]

    def findings(self, guiding: Guiding) -> Iterator[Finding]:
        """Yield every finding with its guidance. Raises OSError where the scratch file was cut."""
        spill, recall = self._found.spill, self._recall
        people = set(spill.keys)
        things = self._things()
        for key in sorted(people | things.keys()):
            if key not in people:
                guide = guiding(key[1], _nobody)
                yield from (each.told(guidance=guide(each)) for each in things[key])
            elif recall.ordered:
                for stretch in spill.stretches(key):
                    yield from self._stretch(key, [stretch], guiding, _AT_ONCE)
            else:
                # Only all findings of a check can then be put in order.
                stretches = list(spill.stretches(key))
                yield from self._stretch(key, stretches, guiding, sum(found.shape[1] for _, found in stretches))

    def by_person(self, people: int = _TOGETHER) -> Iterator[list[Finding]]:
        """Yield the findings about some people after others: all about so many of them together.

        Those about the same people are in the order of reports; none has its guidance. Raises OSError as `findings`.
        """
        spill = self._found.spill
        keys = spill.keys
        for batch in sorted(spill.batches):
            found = [(key, _by_row(columns)) for key in keys if (columns := spill.found(key, batch)).size]
            rows = spill.rows(batch)
            for begin in range(0, len(rows), people):
                some = rows[begin : begin + people]
                told = self._recall.people(batch, some)
                described: list[Finding] = []
                for key, columns in found:
                    first, end = np.searchsorted(columns[ROW], [some[0], some[-1] + 1])
                    part = self._columns(columns[:, first:end])
                    described += sorted(of_people(self._plan, key, told, part), key=in_order)
                yield described

    def about_things(self) -> list[Finding]:
        """Describe what is not about people, in the order of reports and without guidance."""
        things = self._things()
        return list(chain.from_iterable(things[key] for key in sorted(things)))

    def _things(self) -> dict[Key, list[Finding]]:
        """Describe what is not about people, by policy and check, in the order of reports."""
        things: dict[Key, list[Finding]] = {}
        for single in self._found.evaluation.singles:
            things.setdefault((single.policy, single.check), []).append(of_thing(self._plan, single))
        return {key: sorted(found, key=in_order) for key, found in things.items()}

    def _stretch(
        self, key: Key, stretches: Sequence[tuple[int, Columns]], guiding: Guiding, at_once: int
    ) -> Iterator[Finding]:
        """Describe what one check of one policy found in some batches of users, in the order of reports."""
        known: dict[str, dict[int, list[str]]] = {}
        described: list[Finding] = []
        for batch, found in stretches:
            for part in _cut(found, at_once):
                rows = distinct(part[ROW])
                people = self._recall.people(batch, rows)
                others = self._others(key[0], batch, rows, people, known)
                described += of_people(self._plan, key, people, self._columns(part), guiding(key[1], others))
                if self._recall.ordered:
                    yield from sorted(described, key=in_order)
                    described = []
            known.clear()
        yield from sorted(described, key=in_order)

    def _columns(self, found: Columns) -> tuple[list[int], list[int | str | None], list[str | None], list[int]]:
        written, details = self._written, self._details
        return (
            found[ROW].tolist(),
            [product if product >= 0 else written[product] for product in found[PRODUCT].tolist()],
            [details[code] for code in found[DETAIL].tolist()],
            found[WAIVER].tolist(),
        )

    def _products(self, found: Columns) -> dict[int, list[str]]:
        """Return the products of open findings by the row of their users."""
        products: dict[int, list[str]] = {}
        rows, about, _, waivers = self._columns(found)
        for row, product, waiver in zip(rows, about, waivers, strict=True):
            if waiver == OPEN and product is not None:
                name = self._plan.facts.skus[product].sku_id if isinstance(product, int) else product
                products.setdefault(row, []).append(name)
        return products

    def _others(
        self,
        policy: int,
        batch: int,
        rows: npt.NDArray[np.int32],
        people: Mapping[int, UserEvidence],
        known: dict[str, dict[int, list[str]]],
    ) -> Others:
        """Return what tells who of some people has other findings; `known` keeps what was read of the batch."""

        def told(checks: frozenset[str]) -> Pairs:
            for check in checks - known.keys():
                known[check] = self._products(self._found.spill.found((policy, check), batch))
            name = self._plan.policies[policy].id
            concerned = set().union(*(known[check] for check in checks)).intersection(rows.tolist())
            return {
                (name, people[row].subject.id): tuple(
                    product for check in sorted(checks) for product in known[check].get(row, ())
                )
                for row in concerned
            }

        return told


def _nobody(checks: frozenset[str]) -> Pairs:
    del checks
    return {}


def _cut(found: Columns, at_once: int) -> Iterator[Columns]:
    """Yield findings in the order of users, about so many at a time; nobody's findings are divided."""
    found = _by_row(found)
    rows = found[ROW]
    begin = 0
    while begin < len(rows):
        last = min(begin + at_once, len(rows)) - 1
        end = int(np.searchsorted(rows, rows[last], side="right"))
        yield found[:, begin:end]
        begin = end


def _by_row(found: Columns) -> Columns:
    """Put findings in the order of users."""
    rows = found[ROW]
    return found[:, np.argsort(rows, kind="stable")] if (rows[1:] < rows[:-1]).any() else found
