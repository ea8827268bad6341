"""The output of evaluation: findings as columns, counts that add up over batches, and what could not be decided."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.rows import Rows
from auditor.domain.enums import Outcome, Status
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.policy.model import Policy
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import PolicyOutcome

OPEN = -1
"""Means "no waiver" in columns of waiver indices."""


class FindingColumns(Struct, frozen=True, kw_only=True):
    """Findings of one policy and check about users, as columns of equal length."""

    policy: int
    """The policy's index among the bound policies."""
    check: str
    rows: Rows
    """Row numbers of users in the snapshot, ascending."""
    skus: Rows | None = None
    """Indices into the facts' SKUs; None if the findings name no SKU of the tenant."""
    written: str | None = None
    """The product as the policy writes it, if the findings name no SKU of the tenant."""
    detail_codes: Rows | None = None
    details: tuple[str, ...] = ()
    """Detail texts: `details[detail_codes[i]]`; without codes `details[0]` for all; empty if there are none."""
    waivers: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """Index of the waiver that applies to each finding; OPEN for none."""

    def __len__(self) -> int:
        return len(self.rows)

    def at_offset(self, offset: int, waivers: Rows) -> "FindingColumns":
        """Return the findings of a batch with row numbers of the snapshot, 32-bit columns and the given waivers."""
        return replace(
            self,
            rows=(self.rows + offset).astype(np.int32),
            skus=None if self.skus is None else self.skus.astype(np.int32),
            detail_codes=None if self.detail_codes is None else self.detail_codes.astype(np.int32),
            waivers=waivers,
        )


def without_repeats(chunks: list[FindingColumns]) -> list[FindingColumns]:
    """Drop findings that an earlier chunk of the same policy has already.

    Two lines of a policy may raise the same finding about a user: two `exclusive` lists in which the same SKUs
    conflict, or an element that is required twice.
    """
    unique: list[FindingColumns] = []
    similar = Counter(map(_kind, chunks))
    earlier: dict[_Kind, set[tuple[int, str | None]]] = {}
    for chunk in chunks:
        kind = _kind(chunk)
        if chunk.skus is None and similar[kind] > 1:
            entries, known = _entries(chunk), earlier.setdefault(kind, set())
            is_new = np.array([entry not in known for entry in entries], dtype=bool)
            known.update(entries)
            chunk = replace(  # noqa: PLW2901  the same findings without the duplicates
                chunk,
                rows=chunk.rows[is_new],
                detail_codes=None if chunk.detail_codes is None else chunk.detail_codes[is_new],
            )
        if len(chunk):
            unique.append(chunk)
    return unique


_Kind = tuple[str, str | None, tuple[str, ...]]
"""What the findings of a chunk have in common: the check, the product as written, and the only detail."""


def _kind(chunk: FindingColumns) -> _Kind:
    return chunk.check, chunk.written, () if chunk.detail_codes is not None else chunk.details


def _entries(chunk: FindingColumns) -> list[tuple[int, str | None]]:
    rows = chunk.rows.tolist()
    if chunk.detail_codes is None:
        return [(row, None) for row in rows]
    return [(row, chunk.details[code]) for row, code in zip(rows, chunk.detail_codes.tolist(), strict=True)]


class HolderCount(Struct):
    """How many people of a quota's population hold each SKU: certainly, and at most."""

    certain: Rows
    possible: Rows

    def at(self, index: int) -> tuple[int, int]:
        """Return how many people hold a SKU, or any SKU of a pool, which has index 0: certainly, and at most."""
        return int(self.certain[index]), int(self.possible[index])

    def add(self, other: "HolderCount") -> None:
        """Add the counts of another batch."""
        self.certain = self.certain + other.certain
        self.possible = self.possible + other.possible


class BatchOutcome(Struct):
    """The outcome of one batch; outcomes of batches can be added up in any order."""

    chunks: list[FindingColumns] = field(default_factory=list)
    """The findings about people; the caller that describes them removes them."""
    raised: Counter[int] = field(default_factory=Counter)
    """Policy index → how many findings about people it raised."""
    unwaived: Counter[int] = field(default_factory=Counter)
    """Policy index → how many of them are not waived."""
    undecided: Counter[int] = field(default_factory=Counter)
    """Policy index → number of users whose outcome is unknown."""
    tallies: dict[int, HolderCount] = field(default_factory=dict)
    judged: Counter[int] = field(default_factory=Counter)
    """Policy index → number of users who certainly belong to its population."""
    reached: set[int] = field(default_factory=set)
    """Indices of the policies whose population has at least one certain or possible member."""
    used_waivers: set[int] = field(default_factory=set)
    unknown_waivers: set[int] = field(default_factory=set)
    seats: pa.Table | None = None
    """Seat counts, as `auditor.engine.seat_usage.seat_counts` returns them; None if they were not requested."""

    def add(self, other: "BatchOutcome") -> None:
        """Add the outcome of another batch."""
        self.chunks.extend(other.chunks)
        for chunk in other.chunks:
            self.raised[chunk.policy] += len(chunk)
            self.unwaived[chunk.policy] += int((chunk.waivers == OPEN).sum())
        self.undecided.update(other.undecided)
        self.judged.update(other.judged)
        for policy, tally in other.tallies.items():
            if policy in self.tallies:
                self.tallies[policy].add(tally)
            else:
                self.tallies[policy] = tally
        self.reached |= other.reached
        self.used_waivers |= other.used_waivers
        self.unknown_waivers |= other.unknown_waivers
        self.seats = _summed(self.seats, other.seats)


def _summed(first: pa.Table | None, second: pa.Table | None) -> pa.Table | None:
    """Return the sums of the seats in two tables of seat counts.

    Keeping a table for each batch would keep small buffers between the large ones that every batch allocates, so that
    the heap of an audit of ten million people would grow by 30 MiB.
    """
    if first is None or second is None:
        return second if first is None else first
    keys = [name for name in first.column_names if name != "seats"]
    table = pa.concat_tables([first, second]).unify_dictionaries().combine_chunks()
    return table.group_by(keys, use_threads=False).aggregate([("seats", "sum")]).rename_columns([*keys, "seats"])


class ObjectFinding(Struct, frozen=True, kw_only=True):
    """A finding about an object other than a user, with its evidence."""

    policy: int
    check: str
    subject: Subject
    product: ProductReference | None = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    money: Money | None = None
    pool: ProductSet | None = None
    """The product set whose SKUs are summed, if the product is a pool of SKUs."""
    waiver: int = OPEN


class Evaluation(Struct, frozen=True, kw_only=True):
    """Everything that policies yield for one tenant, except its findings about people."""

    object_findings: tuple[ObjectFinding, ...]
    outcomes: tuple[PolicyOutcome, ...]
    used_waivers: frozenset[int]
    unknown_waivers: frozenset[int]
    unmatched: frozenset[int] = frozenset()
    """Indices of the policies that were evaluated and apply to nothing in the tenant."""
    seats: pa.Table | None = None
    """Seat counts of all batches; None if there are none."""
    tallies: Mapping[int, HolderCount] = field(default_factory=dict)
    """Policy index → the holders that were counted for it."""


def unwaived_status(policy: Policy) -> Status:
    """Return the status of a policy's findings that no waiver covers."""
    return Status.REPORT_ONLY if policy.report_only else Status.OPEN


def policy_outcome(
    policy: Policy, findings: int, unwaived: int, *, reason: Message | None, missing: Sequence[str], judged: int | None
) -> PolicyOutcome:
    """Return the outcome of a policy from its number of findings and of those that are not waived.

    With a `reason`, it was not evaluated.
    """
    if reason is not None:
        status = Outcome.NOT_EVALUATED
    elif unwaived:
        status = Outcome.REPORT_ONLY if policy.report_only else Outcome.FAIL
    else:
        status = Outcome.WAIVED if findings else Outcome.PASS
    return PolicyOutcome(
        id=policy.id,
        status=status,
        findings=findings,
        reason=reason,
        missing=tuple(missing),
        judged=judged,
        report_only=policy.report_only or None,
    )


def fingerprint(
    tenant_id: str, policy: str, check: str, subject: tuple[str, str], product: str | None, detail: str | None
) -> str:
    """Hash the identity of a finding into 32 hexadecimal digits that are unique in a run.

    `product` is a skuId, or `written:` followed by the product as the policy writes it.
    """
    return stable_id(tenant_id, policy, check, *subject, product, detail, digits=32)


def stable_id(*parts: str | None, digits: int = 16) -> str:
    """Hash the parts of an identity into hexadecimal digits, which are the same in every run."""
    return hashlib.sha256(fingerprint_text(*parts)).hexdigest()[:digits]


def fingerprint_text(*parts: str | None) -> bytes:
    """Return the bytes that are hashed for consecutive parts.

    An empty part at either end adds the separator with which the bytes can be joined to other parts.
    """
    return "\x1f".join([_ABSENT if part is None else part for part in parts]).encode("utf-8", "surrogatepass")


_ABSENT = "\x00"
