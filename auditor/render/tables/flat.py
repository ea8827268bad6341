"""The findings of a Result into one flat table, a stretch of rows at a time: what repeats is worked out once.

Half a million findings share a few hundred policies, products and prices. Columns whose values repeat together are a
Block: a format says once what stands for their values together, a number or its own text. What differs from row to row
are Texts: plain lists, which a format looks through as one run of bytes.

A finding is read in one go. A usual one is read in haste, by keys that are known already; what is not as usual, or is
met for the first time, is read again with care.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, Final

from auditor.domain.actions.money import rounded
from auditor.domain.result import Finding, ProductReference, Result
from auditor.render.text.facts import SEAT_FACTS, last_sign_in, latest, paths, product_name, product_names

Cell = str | int | Decimal | None

_SHARED_FACTS: Final = ("accountEnabled", "userType", "department", "usageLocation")
COLUMNS: Final = (
    *("tenant", "policy", "title", "severity", "status", "change", "check"),
    *("subjectType", "subjectId", "subjectName", "skuId", "skuPartNumber", "productName", "detail"),
    *("currency", "perMonth", "waiver", "guidance", "fingerprint", "sourceFile", "sourceLine"),
    *("userPrincipalName", *_SHARED_FACTS),
    *("lastSignIn", "assignmentPaths"),
    *SEAT_FACTS,
)
TEXTS: Final = frozenset({"subjectId", "subjectName", "fingerprint", "userPrincipalName", "lastSignIn"})
"""Columns whose texts differ from row to row."""
_RULES: Final = (COLUMNS[:8], COLUMNS[16:18], COLUMNS[19:21])
"""Columns that repeat together, though others stand between them."""
_RULE_ENDS: Final = (8, 10, 12)
_PRODUCT: Final = COLUMNS[10:16]
_END: Final = COLUMNS[27:]
_PARTS: Final = (
    *(_RULES[0], "subjectId", None, "subjectName", _PRODUCT, _RULES[1], "fingerprint", _RULES[2]),
    *("userPrincipalName", _SHARED_FACTS, "lastSignIn", _END),
)
"""What a row is made of: columns whose values repeat, one that differs, or what stands between two such."""
WIDTH: Final = len(_PARTS)
TEXT_PLACES: Final = tuple(place for place, part in enumerate(_PARTS) if part in TEXTS)
"""Where the columns that differ stand in a row."""
_ALSO: Final = ("userPrincipalName", "createdDateTime", "lastSignInDateTime", "assignedLicenses", "paths")
_SIMPLE: Final = frozenset((*_SHARED_FACTS, *_ALSO))
"""What a usual finding about a person tells, and no more: no other sign-in, and no seats."""
_SIGNED: Final = _PARTS.index("lastSignIn")
_STRETCH: Final = 4096
"""Findings that are worked on at once: few enough to stay in the processor's cache from column to column."""
_TEXT: Final = frozenset({str, type(None)})
_PLAIN: Final = frozenset({str, bool, type(None)})
_WAY: Final = ("groupName", "assignedByGroup", "state")
"""What tells one assignment path from another."""
_SEATS: Final = frozenset(SEAT_FACTS)
_NO_SEATS: Final = (None,) * len(SEAT_FACTS)
_NO_PRODUCT: Final = ProductReference(sku_id=None, sku_part_number=None)
_UNUSUAL: Final = (AttributeError, KeyError, TypeError)
"""What a hasty look comes to where something is not as usual, or is met for the first time."""


class Values:
    """The distinct values of columns side by side, by number."""

    def __init__(self) -> None:
        self.known: list[tuple[Cell, ...]] = []
        """The values by number; grows from stretch to stretch."""

    def add(self, cells: tuple[Cell, ...]) -> int:
        """Take in values that were not seen before, and return their number."""
        self.known.append(cells)
        return len(self.known) - 1

    def thrice(self, cells: tuple[Cell, ...]) -> tuple[int, int, int]:
        """Take in values of which three blocks are made, and return their number for each."""
        number = self.add(cells)
        return number, number, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Columns side by side whose values repeat: the number of each row, and what the numbers stand for."""

    columns: tuple[str, ...]
    first: int
    """Where the first of the columns stands among the values."""
    numbers: Sequence[int]
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A column whose texts differ from row to row."""

    column: str
    values: list[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some findings on end; the parts make up all columns, in the order of COLUMNS."""

    count: int
    parts: tuple[Block | Texts, ...]

    def cut(self, count: int) -> "tuple[Stretch, Stretch | None]":
        """Return the first rows, at most that many, and the others, if there are any."""
        if self.count <= count:
            return self, None
        pieces = (slice(None, count), slice(count, None))
        first, others = (tuple(_cut(part, piece) for part in self.parts) for piece in pieces)
        return Stretch(count=count, parts=first), Stretch(count=self.count - count, parts=others)


def _cut(part: Block | Texts, piece: slice) -> Block | Texts:
    match part:
        case Texts():
            return replace(part, values=part.values[piece])
        case Block():
            return replace(part, numbers=part.numbers[piece])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stands in a row for the cells of columns that repeat together; it is asked for once."""

    rules: Callable[[tuple[Cell, ...]], tuple[Any, Any, Any]]
    """Three pieces, for other columns stand between these."""
    products: Callable[[tuple[Cell, ...]], Any]
    facts: Callable[[tuple[Cell, ...]], Any]
    ends: Callable[[tuple[Cell, ...]], Any]
    between: str = ""
    """What stands between two columns that differ from row to row."""

    @classmethod
    def of(cls, show: Callable[[tuple[str, ...], tuple[Cell, ...]], str], between: str) -> "Shown":
        """Return the pieces of a format that writes columns and their cells as one text."""
        one, two, three = _RULES
        first, second, third = (slice(end - len(rule), end) for rule, end in zip(_RULES, _RULE_ENDS, strict=True))
        return cls(
            rules=lambda cells: (show(one, cells[first]), show(two, cells[second]), show(three, cells[third])),
            products=partial(show, _PRODUCT),
            facts=partial(show, _SHARED_FACTS),
            ends=partial(show, _END),
            between=between,
        )


def stretches(result: Result, rows: int = _STRETCH) -> Iterator[Stretch]:
    """Yield the table, tenant by tenant and the fleet's findings last (their tenant is empty)."""
    for tenant, names, findings in _portions(result):
        rules, products, facts, ends = Values(), Values(), Values(), Values()
        shown = Shown(rules=rules.thrice, products=products.add, facts=facts.add, ends=ends.add)
        values = {**dict.fromkeys(_RULES, rules), _PRODUCT: products, _SHARED_FACTS: facts, _END: ends}
        for page in _Reading(tenant, result, names, shown).pages(findings, rows):
            yield _stretch(page, values)


def _stretch(page: list[Any], values: Mapping[tuple[str, ...], Values]) -> Stretch:
    firsts = {rule: end - len(rule) for rule, end in zip(_RULES, _RULE_ENDS, strict=True)}
    rules = page[::WIDTH]
    parts: list[Block | Texts] = []
    for place, part in enumerate(_PARTS):
        if isinstance(part, str):
            parts.append(Texts(column=part, values=page[place::WIDTH]))
        elif part is not None:
            numbers = rules if part in firsts else page[place::WIDTH]
            parts.append(Block(columns=part, first=firsts.get(part, 0), numbers=numbers, values=values[part]))
    return Stretch(count=len(rules), parts=tuple(parts))


def pages(result: Result, shown: Shown, rows: int) -> Iterator[list[Any]]:
    """Yield the same table in lists of pieces, WIDTH of them a row; those at TEXT_PLACES are texts, or None."""
    for tenant, names, findings in _portions(result):
        yield from _Reading(tenant, result, names, shown).pages(findings, rows)


def _portions(result: Result) -> Iterator[tuple[str, Mapping[str, str], Sequence[Finding]]]:
    fleet_names: dict[str, str] = {}
    for tenant in result.tenants:
        names = product_names(tenant)
        fleet_names = {**names, **fleet_names}
        yield tenant.name, names, tenant.findings
    yield "", fleet_names, result.fleet.findings


def size(result: Result) -> int:
    """Return the number of rows of the table."""
    return sum(len(tenant.findings) for tenant in result.tenants) + len(result.fleet.findings)


class _Reading:
    """Reads the findings of one tenant, or of the fleet, and remembers what repeats."""

    def __init__(self, tenant: str, result: Result, names: Mapping[str, str], shown: Shown) -> None:
        self._tenant = tenant
        self._headers = {policy.id: policy for policy in result.run.policies}
        self._names = names
        self._shown = shown
        # What stands for keys; Python looks things up in plain dictionaries soonest.
        self._rules: dict[Hashable, tuple[Any, Any, Any]] = {}
        self._products: dict[Hashable, Any] = {}
        self._facts: dict[Hashable, Any] = {}
        self._odd_facts: dict[Hashable, Any] = {}
        self._ends: dict[Hashable, Any] = {}

    def pages(self, findings: Iterable[Finding], rows: int) -> Iterator[list[Any]]:
        found = iter(findings)
        while some := list(islice(found, rows)):
            page = self._page(some)
            page[_SIGNED::WIDTH] = latest([page[_SIGNED::WIDTH]], (each.evidence for each in some))
            yield page

    def _page(self, found: list[Finding]) -> list[Any]:
        """Return the pieces of rows, in haste: every step counts here, half a million times."""
        rules, products, facts, ends = self._rules, self._products, self._facts, self._ends
        between, count = self._shown.between, len(_SIMPLE)
        page: list[Any] = []
        for each in found:
            try:
                subject = each.subject
                source = each.source
                one, two, three = rules[
                    each.policy, each.severity, each.status, each.change, each.check, subject.type,
                    each.waiver, each.guidance, source.file, source.line,
                ]  # fmt: skip
                product = each.product or _NO_PRODUCT
                money = each.money
                priced = products[
                    product.sku_id, product.sku_part_number, each.detail,
                    None if money is None else money.currency, None if money is None else money.per_month,
                ]  # fmt: skip
                told = each.evidence
                address = told["userPrincipalName"]
                enabled = told["accountEnabled"]
                if type(address) is not str or (enabled is not True and enabled is not False):
                    raise TypeError(told)
                department, location = told.get("department"), told.get("usageLocation")
                fact = facts[enabled, told["userType"], department, location]
                ways, signed = told.get("paths"), told.get("lastSignInDateTime")
                if ways is None:
                    end = ends[()]
                elif len(ways) == 1 and type(ways) is list:
                    way = ways[0]
                    end = ends[way.get("groupName"), way["assignedByGroup"], way["state"]]
                else:
                    end = self._end(told)
                if (
                    department is None or location is None or ways is None or signed is None or len(told) != count
                    or "createdDateTime" not in told or "assignedLicenses" not in told
                ) and not _SIMPLE.issuperset(told):  # fmt: skip
                    if not _SEATS.isdisjoint(told):
                        raise TypeError(told)
                    signed = last_sign_in(told)
                page += (
                    one, subject.id, between, subject.name, priced, two, each.fingerprint, three, address, fact,
                    signed, end,
                )  # fmt: skip
            except _UNUSUAL:
                page += self._row(each)
        return page

    def _row(self, each: Finding) -> tuple[Any, ...]:
        """Return the pieces of one row, whatever its finding says."""
        subject, told = each.subject, each.evidence
        one, two, three = self._rule(each)
        address = told.get("userPrincipalName")
        return (
            *(one, subject.id, self._shown.between, subject.name, self._product(each), two, each.fingerprint, three),
            *(None if address is None else str(cell(address)), self._shared(told), last_sign_in(told), self._end(told)),
        )

    def _rule(self, each: Finding) -> tuple[Any, Any, Any]:
        kind, change, source = each.subject.type, each.change, each.source
        rest = (each.waiver, each.guidance, source.file, source.line)
        key = (each.policy, each.severity, each.status, change, each.check, kind, *rest)
        if key not in self._rules:
            header = self._headers.get(each.policy)
            said = (self._tenant, each.policy, "" if header is None else header.title, each.severity.value)
            stood = (each.status.value, "" if change is None else change.value, each.check, kind.value)
            self._rules[key] = self._shown.rules((*said, *stood, *rest))
        return self._rules[key]

    def _product(self, each: Finding) -> Any:
        product, money = each.product or _NO_PRODUCT, each.money
        sku, part = product.sku_id, product.sku_part_number
        worth = None if money is None else money.per_month
        key = (sku, part, each.detail, None if money is None else money.currency, worth)
        if key not in self._products:
            name = product_name(each, self._names)
            cells = (sku, part, name, each.detail, key[3], None if worth is None else rounded(worth))
            self._products[key] = self._shown.products(cells)
        return self._products[key]

    def _shared(self, told: Mapping[str, Any]) -> Any:
        facts = tuple(told.get(name) for name in _SHARED_FACTS)
        words = tuple(map(cell, facts))
        if type(facts[0]) in _PLAIN and set(map(type, facts[1:])) <= _TEXT:
            return _standing(self._facts, facts, words, self._shown.facts)
        # 1 would be the same key as True, and a list would be none.
        return _standing(self._odd_facts, words, words, self._shown.facts)

    def _end(self, told: Mapping[str, Any]) -> Any:
        way = _way(told.get("paths"))
        text = _ways([dict(zip(_WAY, way, strict=True))]) if len(way) == len(_WAY) else way
        seats = () if _SEATS.isdisjoint(told) else tuple(cell(told.get(name)) for name in SEAT_FACTS)
        return _standing(self._ends, (*way, *seats), (*(text or (None,)), *(seats or _NO_SEATS)), self._shown.ends)


def _standing(
    known: dict[Hashable, Any], key: Hashable, cells: tuple[Cell, ...], show: Callable[[tuple[Cell, ...]], Any]
) -> Any:
    """Return what stands for a key; what is new is shown once."""
    if key not in known:
        known[key] = show(cells)
    return known[key]


def cell(value: Any) -> Cell:
    """Return one plain cell; lists and mappings become words between semicolons, never JSON."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return value
        case list() | tuple():
            return "; ".join(str(cell(each)) for each in value)
        case Mapping():
            return "; ".join(f"{name} {cell(value[name])}" for name in sorted(value))
        case _:
            return str(value)


def _way(told: Any) -> tuple[Any, ...]:
    """Return a key for what is said of assignment paths: of one path its parts, else one text or nothing."""
    if type(told) is list and len(told) == 1 and type(only := told[0]) is dict:
        way = tuple(map(only.get, _WAY))
        if set(map(type, way)) <= _TEXT:  # 1 would be the same key as True
            return way
    return _ways(told)


def _ways(told: Any) -> tuple[str, ...]:
    """Return what is said of assignment paths, in one text; nothing where there are none."""
    return ("; ".join(paths({"paths": told})),) if told else ()
