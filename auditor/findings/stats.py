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
from auditor.arrays.equal_rows import combined, distinct_values, equal_rows
from auditor.arrays.rows import Rows, arrow_rows
from auditor.arrays.texts import codes, dictionary_column, values_of
from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.money import rounded, sum_by_currency
from auditor.domain.result.finding import Finding, Findings, FindingStats, PolicyStats
from auditor.findings.columns import WHOLE, encode

_PAID: Final = frozenset({Cost.SEAT, Cost.SEATS, Cost.ASSIGNED_SEATS, Cost.ALL_SEATS})
"""Kinds of cost that mean superfluous paid seats."""
_NO_MONEY: Final[Mapping[str, Decimal]] = {}
"""One object for all policies whose findings cost nothing."""
_NOT_SUMMED: Final = frozenset({Cost.TOTAL, Cost.MISSING})
Seat = tuple[str, str | None, str | None]
"""The currency, the id of the person (None for seats of a product), and the skuId, or the id of another object."""
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


def monthly_cost(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Return the monthly cost of the open findings of one tenant, by currency in alphabetical order.

    A seat with several findings counts once, at its highest price. Idle seats of a product and of its subscriptions are
    the same seats, and seats beyond a quota or a limit include those of people with findings. Budgets are excluded,
    because they are sums of the same seats, and so are seats that have to be bought. Amounts are rounded to cents
    before they are added, as tables list them. Findings without a price do not count.
    """
    builder, rows = StatsBuilder(), tuple(findings)
    if rows:  # encoding is expensive even for no findings, and most policies of a preview have no difference
        builder.add(encode(rows))
    return dict(builder.stats().money)


def seat_costs(findings: Findings) -> dict[Seat, Decimal]:
    """Return the parts of the cost of open findings by the seat that they are about, which add up to `stats.money`."""
    costs: dict[Seat, Decimal] = {}
    names = ("currency", "subjectType", "subjectId", "skuId", "perMonth", "counted")
    for batch in findings.batches():
        batch = batch.filter(batch.column("counted").is_valid())  # noqa: PLW2901  only the rows that count
        for currency, subject_type, subject_id, sku_id, price, counted in zip(
            *(values_of(batch.column(name)) for name in names), strict=True
        ):
            person = subject_id if subject_type == SubjectType.USER.value else None
            seat = currency, person, sku_id if person is not None or sku_id is not None else subject_id
            amount = rounded(Decimal(price if counted == WHOLE else counted))
            costs[seat] = costs.get(seat, Decimal(0)) + amount
    return costs


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


_NOTHING: Final = (Decimal(0), -1)


class _ProductCost(Struct):
    """The highest amounts of findings about a product and its subscriptions, each with the row of the finding."""

    spare: tuple[Decimal, int] = _NOTHING
    subscriptions: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    """The same seats by the id of the subscription."""
    assigned: tuple[Decimal, int] = _NOTHING
    all_seats: tuple[Decimal, int] = _NOTHING

    def add(self, kind: _Kind, subject_type: str, subject_id: str, row: int) -> None:
        """Add a finding in a row; of equal amounts, the first one stays."""
        found, cost = (rounded(kind.price or Decimal(0)), row), cost_of(kind.check)
        if cost is Cost.ALL_SEATS:
            self.all_seats = _higher(self.all_seats, found)
        elif cost is Cost.ASSIGNED_SEATS:
            self.assigned = _higher(self.assigned, found)
        elif subject_type == SubjectType.SUBSCRIPTION.value:
            self.subscriptions[subject_id] = _higher(self.subscriptions.get(subject_id, _NOTHING), found)
        else:
            self.spare = _higher(self.spare, found)

    def counted(self, people: Decimal) -> Sequence[tuple[Decimal, int]]:
        """Return the amounts that make up the cost beyond that of `people` who have the product, with their rows.

        Spare seats are those of the product or of its subscriptions, whichever cost more. They and assigned seats are
        different seats; together, they are part of all seats.
        """
        spare: Sequence[tuple[Decimal, int]] = tuple(self.subscriptions.values())
        if _total(spare) <= self.spare[0]:
            spare = (self.spare,)
        apart = (*spare, (max(Decimal(0), self.assigned[0] - people), self.assigned[1]))
        in_all = max(Decimal(0), self.all_seats[0] - people)
        return ((in_all, self.all_seats[1]),) if in_all > _total(apart) else apart


def _higher(first: tuple[Decimal, int], second: tuple[Decimal, int]) -> tuple[Decimal, int]:
    return second if second[0] > first[0] else first


def _total(amounts: Iterable[tuple[Decimal, int]]) -> Decimal:
    return sum((amount for amount, _ in amounts), Decimal(0))


class StatsBuilder:
    """Adds up findings by batch.

    All findings about a person, and about objects, have to be in one record batch; that with objects is the last one.
    """

    def __init__(self) -> None:
        self._policies: dict[str, PolicyStats] = {}
        self._money: dict[str, Decimal] = {}
        self._unpriced = False
        self._waivers: Counter[str] = Counter()
        self._people = 0
        self._money_of_people: dict[tuple[str, str], Decimal] = {}
        """The cost of findings about people by currency and skuId."""

    def add(self, batch: pa.RecordBatch) -> pa.DictionaryArray:
        """Add the findings of a record batch of `auditor.findings.columns.SCHEMA`, in report order.

        Returns the column `counted`, with the part of each amount that is in the cost of open findings: of several
        findings about one seat, the first of those with the highest price counts.
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
        counted = np.zeros(batch.num_rows, dtype=np.int64)
        amounts: list[str] = []
        if len(priced):
            seats = _seats(batch, subjects, priced)
            rows = of_people[self._add_money(kinds, kind_of[priced], seats, people[priced])]
            self._add_people(kinds, kind_of[rows], batch.column("skuId"), rows)
            counted[rows] = 1
        if len(of_objects):
            of_kinds = [kinds[kind] for kind in kind_of[of_objects].tolist()]
            for amount, row in self._add_objects(of_kinds, batch, of_objects):
                amounts.append(str(amount))
                counted[row] = len(amounts) + 1
        return dictionary_column([None, WHOLE, *amounts], counted)

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

    def _add_people(self, kinds: Sequence[_Kind], kind_of: Rows, skus: pa.DictionaryArray, rows: Rows) -> None:
        """Add the cost of rows about people, which are of the given kinds, to that of their products."""
        sku_ids = [*values_of(skus.dictionary), None]
        pairs, _, pair_of = distinct_values([(kind_of, kinds), (codes(skus)[rows], sku_ids)])
        for (kind, sku_id), count in zip(pairs, np.bincount(pair_of, minlength=len(pairs)).tolist(), strict=True):
            if sku_id is not None:
                key = kind.currency or "", sku_id
                amount = rounded(kind.price or Decimal(0)) * count
                self._money_of_people[key] = self._money_of_people.get(key, Decimal(0)) + amount

    def _add_objects(self, kinds: Sequence[_Kind], batch: pa.RecordBatch, rows: Rows) -> list[tuple[Decimal, int]]:
        """Add the cost of rows about objects, which are of the given kinds; returns the counted amounts and rows."""
        products: dict[tuple[str, str], _ProductCost] = {}
        listed = batch.take(arrow_rows(rows))
        columns = (values_of(listed.column(name)) for name in ("subjectType", "subjectId", "skuId"))
        for row, kind, subject_type, subject_id, sku_id in zip(rows.tolist(), kinds, *columns, strict=True):
            key = kind.currency or "", sku_id or subject_id
            products.setdefault(key, _ProductCost()).add(kind, subject_type, subject_id, row)
        counted = {key: cost.counted(self._money_of_people.get(key, Decimal(0))) for key, cost in products.items()}
        costs = ({currency: _total(amounts)} for (currency, _), amounts in counted.items())
        self._money = sum_by_currency((self._money, *costs))
        return [(amount, row) for amounts in counted.values() for amount, row in amounts if amount]

    def _add_money(self, kinds: Sequence[_Kind], kind_of: Rows, seats: tuple[Rows, int], people: Flags) -> Rows:
        """Add the cost of the seats of open findings: for each policy, and for all findings about people.

        Returns the rows that count among those about people.
        """
        names = {kind.policy for kind in kinds}
        for policy in names:
            of_policy = np.array([kind.policy == policy for kind in kinds], dtype=bool)[kind_of]
            counts = self._policies[policy]
            money, _ = _summed(kinds, kind_of[of_policy], (seats[0][of_policy], seats[1]))
            self._policies[policy] = replace(counts, money=sum_by_currency((counts.money, money)))
        money, rows = _summed(kinds, kind_of[people], (seats[0][people], seats[1]))
        self._money = sum_by_currency((self._money, money))
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
