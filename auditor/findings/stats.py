"""Counts and sums over findings; defines the cost of open findings and which seats count."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.columns import Flags
from auditor.arrays.groups import combined, equal_rows
from auditor.arrays.rows import Rows, arrow_rows
from auditor.arrays.texts import codes, values_of
from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.actions.money import rounded, sum_money
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result.finding import Finding
from auditor.domain.result.finding_stats import FindingStats, PolicyStats
from auditor.findings.columns import encode

_PAID: Final = frozenset({Cost.SEAT, Cost.SEATS})
"""Kinds of cost that mean superfluous paid seats."""
_NO_MONEY: Final[Mapping[str, Decimal]] = {}
"""One object for all policies whose findings cost nothing."""
_NOT_SUMMED: Final = frozenset({Cost.TOTAL, Cost.MISSING})
_KIND_COLUMNS: Final = (
    "policy",
    "check",
    "severity",
    "status",
    "waiver",
    "change",
    "subjectType",
    "currency",
    "perMonth",
)
"""Columns on which counts and sums depend, besides the subject and the product."""


def sums(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Return the monthly cost of the open findings of one tenant, by currency in alphabetical order.

    A seat with several findings counts once, at its highest price; idle seats of a product and of its subscriptions are
    the same seats. Budgets are excluded, because they are sums of the same seats, and so are seats that have to be
    bought. Amounts are rounded to cents before they are added, as tables list them. Findings without a price do not
    count.
    """
    builder, rows = StatsBuilder(), tuple(findings)
    if rows:  # encoding is expensive even for no findings, and most policies of a preview have no difference
        builder.add(encode(rows))
    return dict(builder.stats().money)


class _Kind(NamedTuple):
    """The values that findings which are counted together have in common."""

    policy: str
    check: str
    severity: Severity
    status: Status
    waiver: str | None
    change: str | None
    user: bool
    currency: str | None
    price: Decimal | None

    @property
    def open(self) -> bool:
        return self.status is Status.OPEN

    @property
    def counts_seats(self) -> bool:
        return self.open and self.price is not None and self.price > 0 and cost_of(self.check) not in _NOT_SUMMED


class _ProductCost(Struct):
    """The cost of findings about a product and its subscriptions, whose seats overlap."""

    product: tuple[Decimal, int] = (Decimal(0), -1)
    """The highest amount, and the row of the first finding with it."""
    subscriptions: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    """The same by the id of the subscription."""

    def add(self, kind: _Kind, subject_type: str, subject_id: str, row: int) -> None:
        """Add a finding in a row."""
        amount, none = rounded(kind.price or Decimal(0)), (Decimal(0), -1)
        if subject_type == SubjectType.SUBSCRIPTION.value:
            current = self.subscriptions.get(subject_id, none)
            self.subscriptions[subject_id] = (amount, row) if amount > current[0] else current
        elif amount > self.product[0]:
            self.product = amount, row

    @property
    def counted(self) -> Sequence[tuple[Decimal, int]]:
        """The amounts that make up the cost, with their rows: of the product or its subscriptions, the greater sum."""
        subscriptions = tuple(self.subscriptions.values())
        return subscriptions if sum(amount for amount, _ in subscriptions) > self.product[0] else (self.product,)

    @property
    def total(self) -> Decimal:
        """The sum of the counted amounts."""
        return sum((amount for amount, _ in self.counted), Decimal(0))


class StatsBuilder:
    """Adds up findings by batch; all findings about a person, and about objects, have to be in one record batch."""

    def __init__(self) -> None:
        self._policies: dict[str, PolicyStats] = {}
        self._money: dict[str, Decimal] = {}
        self._unpriced = False
        self._waivers: Counter[str] = Counter()
        self._people = 0

    def add(self, batch: pa.RecordBatch) -> Flags:
        """Add the findings of a record batch of `auditor.findings.columns.SCHEMA`, in report order.

        Returns for each finding whether its amount is part of the cost of open findings: of several findings about one
        seat, the first of those with the highest price counts.
        """
        firsts, kind_of = equal_rows(batch, _KIND_COLUMNS)
        kinds = list(_kinds(batch.take(pa.array(firsts.tolist(), pa.int64()))))
        counts = np.bincount(kind_of, minlength=len(kinds)).tolist()
        for index in np.argsort(firsts).tolist():
            self._count(kinds[index], counts[index])
        subjects = batch.column("subjectId").dictionary_encode()
        people = np.array([kind.user for kind in kinds], dtype=bool)[kind_of]
        has_finding = np.zeros(len(subjects.dictionary), dtype=bool)
        has_finding[codes(subjects)[people]] = True
        self._people += int(np.count_nonzero(has_finding))
        priced = np.flatnonzero(np.array([kind.counts_seats for kind in kinds], dtype=bool)[kind_of])
        of_people, of_objects = priced[people[priced]], priced[~people[priced]]
        is_counted = np.zeros(batch.num_rows, dtype=bool)
        if len(priced):
            seats = _seats(batch, subjects, priced)
            is_counted[of_people[self._add_money(kinds, kind_of[priced], seats, people[priced])]] = True
        if len(of_objects):
            of_kinds = [kinds[kind] for kind in kind_of[of_objects].tolist()]
            is_counted[self._add_objects(of_kinds, batch, of_objects)] = True
        return is_counted

    def _count(self, kind: _Kind, count: int) -> None:
        counts = self._policies.get(kind.policy) or PolicyStats(
            severity=kind.severity, found=0, waived=0, money=_NO_MONEY
        )
        is_waived = not kind.open and kind.status is not Status.REPORT_ONLY
        self._policies[kind.policy] = replace(
            counts,
            found=counts.found + count,
            waived=counts.waived + count * is_waived,
            report_only=counts.report_only + count * (kind.status is Status.REPORT_ONLY),
            new=counts.new + count * (kind.open and kind.change == Change.NEW.value),
            reopened=counts.reopened + count * (kind.open and kind.change == Change.REOPENED.value),
        )
        self._unpriced = self._unpriced or (kind.open and kind.price is None and cost_of(kind.check) in _PAID)
        if is_waived and kind.waiver:
            self._waivers[kind.waiver] += count

    def _add_objects(self, kinds: Sequence[_Kind], batch: pa.RecordBatch, rows: Rows) -> list[int]:
        """Add the cost of rows about objects, which are of the given kinds; returns the rows that count."""
        products: dict[tuple[str, str], _ProductCost] = {}
        listed = batch.take(arrow_rows(rows))
        columns = (values_of(listed.column(name)) for name in ("subjectType", "subjectId", "skuId"))
        for row, kind, subject_type, subject_id, sku_id in zip(rows.tolist(), kinds, *columns, strict=True):
            key = kind.currency or "", sku_id or subject_id
            products.setdefault(key, _ProductCost()).add(kind, subject_type, subject_id, row)
        self._money = sum_money((self._money, *({currency: cost.total} for (currency, _), cost in products.items())))
        return [row for cost in products.values() for amount, row in cost.counted if amount]

    def _add_money(self, kinds: Sequence[_Kind], kind_of: Rows, seats: tuple[Rows, int], people: Flags) -> Rows:
        """Add the cost of the seats of open findings: for each policy, and for all findings about people.

        Returns the rows that count among those about people.
        """
        names = {kind.policy for kind in kinds}
        for policy in names:
            of_policy = np.array([kind.policy == policy for kind in kinds], dtype=bool)[kind_of]
            counts = self._policies[policy]
            money, _ = _summed(kinds, kind_of[of_policy], (seats[0][of_policy], seats[1]))
            self._policies[policy] = replace(counts, money=sum_money((counts.money, money)))
        money, rows = _summed(kinds, kind_of[people], (seats[0][people], seats[1]))
        self._money = sum_money((self._money, money))
        return rows

    def stats(self, order: Iterable[str] = ()) -> FindingStats:
        """Return the result, with the policies of `order` first."""
        policies = {policy: self._policies[policy] for policy in order if policy in self._policies} | self._policies
        return FindingStats(
            policies=policies,
            money=self._money,
            unpriced=self._unpriced,
            waivers=dict(self._waivers),
            people=self._people,
        )


def _kinds(batch: pa.RecordBatch) -> Iterator[_Kind]:
    columns = (values_of(batch.column(name)) for name in _KIND_COLUMNS)
    for policy, check, severity, status, waiver, change, subject, currency, price in zip(*columns, strict=True):
        amount = None if price is None else Decimal(price)
        is_user = subject == SubjectType.USER.value
        yield _Kind(policy, check, Severity(severity), Status(status), waiver, change, is_user, currency, amount)


def _seats(batch: pa.RecordBatch, subjects: pa.DictionaryArray, rows: Rows) -> tuple[Rows, int]:
    """Return a number for the seat (subject and product) of each row, and the upper bound of these numbers."""
    skus, bound = batch.column("skuId"), len(subjects.dictionary)
    return codes(skus)[rows] * bound + codes(subjects)[rows], (len(skus.dictionary) + 1) * bound


def _summed(kinds: Sequence[_Kind], kind_of: Rows, seats: tuple[Rows, int]) -> tuple[dict[str, Decimal], Rows]:
    """Sum the highest price of each seat, by currency; also return the first row of each seat with that price."""
    prices = sorted({(kind.currency or "", kind.price or Decimal(0)) for kind in kinds})
    index_of = {price: index for index, price in enumerate(prices)}
    currencies = sorted({currency for currency, _ in prices})
    rank = np.array([index_of[kind.currency or "", kind.price or Decimal(0)] for kind in kinds], dtype=np.int64)[
        kind_of
    ]
    currency = np.array([currencies.index(currency) for currency, _ in prices], dtype=np.int64)[rank]
    _, seat = combined(((currency, len(currencies)), seats))
    order = np.lexsort((-rank, seat))
    firsts = order[np.append(True, seat[order][1:] != seat[order][:-1])] if len(order) else order
    sums: dict[str, Decimal] = {}
    for index, count in enumerate(np.bincount(rank[firsts], minlength=len(prices)).tolist()):
        if count:
            name, price = prices[index]
            sums[name] = sums.get(name, Decimal(0)) + rounded(price) * count
    return sums, firsts
