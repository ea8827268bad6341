"""What evaluation yields: findings as columns, counts that add up over batches, and what could not be decided."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.actions.money import Money
from auditor.domain.enums import Outcome, Status
from auditor.domain.policy.model import Policy
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import PolicyOutcome

Rows = npt.NDArray[np.signedinteger]

OPEN = -1
"""Stands for "no waiver" in columns of waiver places."""


class FindingColumns(Struct, frozen=True, kw_only=True):
    """Findings of one policy and check over some users, as columns of equal length."""

    policy: int
    """The policy's place in the plan."""
    check: str
    rows: Rows
    """Row numbers of users over the whole snapshot, ascending."""
    skus: Rows | None = None
    """Places in the facts' SKUs; None where the finding names no SKU of the tenant."""
    written: str | None = None
    """The product as the policy writes it, where no SKU of the tenant is meant."""
    detail_codes: Rows | None = None
    details: tuple[str, ...] = ()
    """Detail texts: `details[detail_codes[i]]`, or `details[0]` for all without codes, or none at all."""
    waivers: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """Places of the waiver that applies to each; OPEN for none."""

    def __len__(self) -> int:
        return len(self.rows)

    def moved(self, offset: int, waivers: Rows) -> "FindingColumns":
        """Count the rows of a batch from the snapshot's first user, in as few bytes as that takes, and add waivers."""
        return FindingColumns(
            policy=self.policy,
            check=self.check,
            rows=(self.rows + offset).astype(np.int32),
            skus=None if self.skus is None else self.skus.astype(np.int32),
            written=self.written,
            detail_codes=None if self.detail_codes is None else self.detail_codes.astype(np.int32),
            details=self.details,
            waivers=waivers,
        )


def distinct(chunks: list[FindingColumns]) -> list[FindingColumns]:
    """Drop findings that an earlier chunk of the same policy holds already.

    Two lines of a policy may say the same of one user: two `exclusive` lists that the same SKUs clash in, or an element
    required twice. A finding is what it says, not how often it was found.
    """
    if len(chunks) == 1:
        return chunks
    unique: list[FindingColumns] = []
    earlier: dict[tuple[str, str | None, tuple[str, ...]], list[FindingColumns]] = {}
    for chunk in chunks:
        alike = earlier.setdefault(
            (chunk.check, chunk.written, () if chunk.detail_codes is not None else chunk.details), []
        )
        if chunk.skus is None and alike:
            entries = {entry for other in alike for entry in _entries(other)}
            fresh = np.array([entry not in entries for entry in _entries(chunk)], dtype=bool)
            chunk = replace(  # noqa: PLW2901  the same findings, less those that are known
                chunk,
                rows=chunk.rows[fresh],
                detail_codes=None if chunk.detail_codes is None else chunk.detail_codes[fresh],
            )
        alike.append(chunk)
        if len(chunk):
            unique.append(chunk)
    return unique


def _entries(chunk: FindingColumns) -> list[tuple[int, str | None]]:
    rows = chunk.rows.tolist()
    if chunk.detail_codes is None:
        return [(row, None) for row in rows]
    return [(row, chunk.details[code]) for row, code in zip(rows, chunk.detail_codes.tolist(), strict=True)]


class HolderCount(Struct):
    """How many people of a quota's population hold each SKU: certainly, and at the most."""

    certain: Rows
    possible: Rows

    def add(self, other: "HolderCount") -> None:
        """Take in the counts of another batch."""
        self.certain = self.certain + other.certain
        self.possible = self.possible + other.possible


class FindingCount(Struct, frozen=True):
    """How many findings a policy raised, and how many of them no waiver waives."""

    found: int
    open: int

    def more(self, chunk: FindingColumns) -> "FindingCount":
        """Add the findings of a chunk."""
        return FindingCount(self.found + len(chunk), self.open + int((chunk.waivers == OPEN).sum()))


NOTHING = FindingCount(0, 0)


class BatchOutcome(Struct):
    """What one batch says; outcomes of batches add up in any order."""

    chunks: list[FindingColumns] = field(default_factory=list)
    """The findings about people; who describes them takes them out."""
    raised: dict[int, FindingCount] = field(default_factory=dict)
    """Policy place → how much it found about people."""
    undecided: dict[int, int] = field(default_factory=dict)
    """Policy place → users whose outcome is unknown."""
    tallies: dict[int, HolderCount] = field(default_factory=dict)
    judged: dict[int, int] = field(default_factory=dict)
    """Policy place → users who certainly belong to its population."""
    reached: set[int] = field(default_factory=set)
    """The places of policies to whose population somebody belongs, certainly or perhaps."""
    used_waivers: set[int] = field(default_factory=set)
    unknown_waivers: set[int] = field(default_factory=set)
    seats: list[pa.Table] = field(default_factory=list)
    """Counted seats, as `auditor.engine.seat_usage.seat_counts` returns them."""

    def add(self, other: "BatchOutcome") -> None:
        """Take in what another batch says."""
        self.chunks.extend(other.chunks)
        for chunk in other.chunks:
            self.raised[chunk.policy] = self.raised.get(chunk.policy, NOTHING).more(chunk)
        for policy, count in other.undecided.items():
            self.undecided[policy] = self.undecided.get(policy, 0) + count
        for policy, tally in other.tallies.items():
            if policy in self.tallies:
                self.tallies[policy].add(tally)
            else:
                self.tallies[policy] = tally
        for policy, count in other.judged.items():
            self.judged[policy] = self.judged.get(policy, 0) + count
        self.reached |= other.reached
        self.used_waivers |= other.used_waivers
        self.unknown_waivers |= other.unknown_waivers
        self.seats.extend(other.seats)


class ObjectFinding(Struct, frozen=True, kw_only=True):
    """A finding that is not about a user: one object, with its evidence at hand."""

    policy: int
    check: str
    subject: Subject
    product: ProductReference | None = None
    detail: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    money: Money | None = None
    pool: ProductSet | None = None
    """The product set whose SKUs are summed, where the product is a pool of them."""
    waiver: int = OPEN


class Evaluation(Struct, frozen=True, kw_only=True):
    """Everything that policies say of one tenant but its findings about people."""

    singles: tuple[ObjectFinding, ...]
    outcomes: tuple[PolicyOutcome, ...]
    used_waivers: frozenset[int]
    unknown_waivers: frozenset[int]
    unmatched: frozenset[int] = frozenset()
    """Places of the policies that were evaluated and looked at nothing at all."""
    seats: tuple[pa.Table, ...] = ()
    """Counted seats of all batches."""
    tallies: Mapping[int, HolderCount] = field(default_factory=dict)
    """Policy place → the people who were counted for it."""


def unwaived_status(policy: Policy) -> Status:
    """Return the status of a policy's findings that no waiver covers."""
    return Status.REPORT_ONLY if policy.report_only else Status.OPEN


def raised_outcome(policy: Policy, unwaived: int, findings: int) -> Outcome:
    """Return the outcome of a policy that was evaluated, by how many findings it has and how many are not waived."""
    if unwaived:
        return Outcome.REPORT_ONLY if policy.report_only else Outcome.FAIL
    return Outcome.WAIVED if findings else Outcome.PASS


def fingerprint(
    tenant_id: str, policy: str, check: str, subject: tuple[str, str], product: str | None, detail: str | None
) -> str:
    """Hash what one finding is, and nothing else, into 32 hexadecimal digits; no two of a run have the same.

    `product` is a skuId, or `written:` and the policy's own words.
    """
    return hashlib.sha256(fingerprint_text(tenant_id, policy, check, *subject, product, detail)).hexdigest()[:32]


def fingerprint_text(*parts: str | None) -> bytes:
    """Return what is hashed of some consecutive parts; an empty one at either end joins what stands there."""
    return "\x1f".join([_ABSENT if part is None else part for part in parts]).encode("utf-8", "surrogatepass")


_ABSENT = "\x00"
