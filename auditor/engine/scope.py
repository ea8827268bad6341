"""One batch of people under a plan, with what several policies ask of it alike, and one policy over it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from auditor.domain.policy import Policy
from auditor.engine.bitsets import holders, meets, patterns, several, spread
from auditor.engine.links import Links
from auditor.engine.outcome import Chunk, Rows
from auditor.engine.people import People
from auditor.engine.plan import Plan
from auditor.engine.product_masks import Mask
from auditor.engine.selecting import Selecting
from auditor.engine.texts import Flags, among, codes_of, flags_of
from auditor.snapshot.model import UserBatch

Found = tuple[Chunk | None, Flags]
"""What one check yields: findings with rows of the batch, and for whom it stays unknown."""


class Batch:
    """People, selectors, and the answers that do not depend on a policy's population: each is worked out once."""

    def __init__(self, plan: Plan, users: UserBatch) -> None:
        self.plan = plan
        self.people = People(users, plan.facts)
        self.selecting = Selecting(self.people, plan.masks, plan.membership, plan.rules)

    @cached_property
    def unread(self) -> Flags | None:
        """Whose `assignedLicenses` were not collected; None where everybody's were."""
        unread = self.people.unknown("assignedLicenses")
        return None if unread is self.people.nobody else unread

    @cached_property
    def redundant(self) -> tuple[Rows, Rows, Rows]:
        """Who holds which SKU redundantly, and the fullest SKU held that contains it: by row, then by SKU."""
        held, containers = self.people.links.held, self.plan.containers
        # Two SKUs are needed, one of them contained in another: all the rest is passed over before pairs are tried.
        contained = np.zeros(self.plan.size, dtype=bool)
        contained[list(containers)] = True
        who = np.flatnonzero(meets(held, contained) & several(held))
        pattern, distinct = patterns(held, who)
        found = [(_NONE, _NONE, _NONE)]
        for sku, around in containers.items():
            left = np.flatnonzero(holders(distinct, sku))
            for container in around:
                if not len(left):
                    break
                inside = holders(distinct[left], container)
                same = left[inside]
                found.append((same, np.full(len(same), sku), np.full(len(same), container)))
                left = left[~inside]
        patterned, skus, by = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((skus, patterned))
        starts = np.searchsorted(patterned[order], np.arange(len(distinct) + 1))
        entries = order[spread(starts, pattern)]
        return np.repeat(who, np.diff(starts)[pattern]), skus[entries], by[entries]

    @cached_property
    def errors(self) -> tuple[Rows, Rows, Rows, tuple[str, ...]]:
        """Who has an assignment in error, of which SKU, with which of the detail texts: each once, in order."""
        links = self.people.links
        column = links.column("error")
        entries = np.flatnonzero(flags_of(column.is_valid()) & ~among(column, ("None", "")))
        if links.pathless is not None:
            entries = entries[~links.pathless[links.owner[entries]]]
        numbers, details = _error_texts(links, entries)
        rows, skus = links.owner[entries], links.sku[entries]
        order = np.lexsort((numbers, skus, rows))
        columns = np.stack([rows[order], skus[order], numbers[order]])
        first = np.ones(len(entries), dtype=bool)
        first[1:] = (columns[:, 1:] != columns[:, :-1]).any(axis=0)
        rows, skus, numbers = columns[:, first]
        return rows, skus, numbers, details


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One policy over one batch: whom it concerns, and what it may look at."""

    batch: Batch
    place: int
    policy: Policy
    population: Mask

    @property
    def plan(self) -> Plan:
        """The policies and what they are judged by."""
        return self.batch.plan

    @property
    def people(self) -> People:
        """Everybody in the batch."""
        return self.batch.people

    @property
    def unread(self) -> Flags | None:
        """Whose `assignedLicenses` were not collected; None where everybody's were."""
        return self.batch.unread

    @property
    def readable(self) -> Flags:
        """Who belongs to the population for certain and whose `assignedLicenses` were collected."""
        unread = self.unread
        return self.population.true if unread is None else self.population.true & ~unread


def _error_texts(links: Links, entries: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Return what the details of the entries in error are: a number for each, and the texts in order."""
    errors, groups = links.column("error"), links.column("assignedByGroup")
    size = len(groups.dictionary) + 1
    error = codes_of(errors, absent=0)[entries].astype(np.int64)
    group = codes_of(groups, absent=size - 1)[entries].astype(np.int64)
    different, places = np.unique(error * size + group, return_inverse=True)
    codes, ids = errors.dictionary.to_pylist(), [*groups.dictionary.to_pylist(), None]
    texts = [_error_text(codes[pair // size], ids[pair % size]) for pair in different.tolist()]
    details = tuple(sorted(set(texts)))
    return np.array([details.index(text) for text in texts], dtype=np.int64)[places], details


def _error_text(error: str, group: str | None) -> str:
    return f"{error}@{group}" if group else error


_NONE: Rows = np.zeros(0, dtype=np.int64)
