"""The findings of a Result into one flat table, a stretch of rows at a time: what repeats is worked out once.

Half a million findings share a few hundred policies, products and prices. Columns whose values repeat together are a
Block: a number for each row, and the distinct values that the numbers stand for; a format turns those values into its
own text once. What differs from row to row are Texts: plain lists, which a format looks through as one run of bytes.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from auditor.domain.result import Finding, PolicyHeader, ProductReference, Result, Subject
from auditor.render.facts import SEAT_FACTS, SIGN_INS, latest, only_texts, paths, product_names
from auditor.render.json_text import amount

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
_STRETCH: Final = 4096
"""Findings that are worked on at once: few enough to stay in the processor's cache from column to column."""
_TEXT: Final = frozenset({str, type(None)})
_PLAIN: Final = frozenset({str, bool, type(None)})
_WAY: Final = ("groupName", "assignedByGroup", "state")
"""What tells one assignment path from another."""
_SEATS: Final = frozenset(SEAT_FACTS)
_NO_SEATS: Final = (None,) * len(SEAT_FACTS)
_NO_PRODUCT: Final = ProductReference(sku_id=None, sku_part_number=None)


class Values(dict[Hashable, int]):
    """Numbers keys from 0 as they come, and keeps the values that each stands for: `values[key]` is its number."""

    def __init__(self, meaning: Callable[[Any], tuple[Cell, ...]]) -> None:
        super().__init__()
        self.known: list[tuple[Cell, ...]] = []
        """The values by number; grows from stretch to stretch."""
        self._meaning = meaning

    def __missing__(self, key: Hashable) -> int:
        """Take in a key that was not seen before."""
        self.known.append(self._meaning(key))
        number = self[key] = len(self.known) - 1
        return number


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


def stretches(result: Result, rows: int = _STRETCH) -> Iterator[Stretch]:
    """Yield the table, tenant by tenant and the fleet's findings last (their tenant is empty)."""
    headers = {policy.id: policy for policy in result.run.policies}
    fleet_names: dict[str, str] = {}
    for tenant in result.tenants:
        names = product_names(tenant)
        fleet_names = {**names, **fleet_names}
        yield from _Reading(tenant.name, headers, names).stretches(tenant.findings, rows)
    yield from _Reading("", headers, fleet_names).stretches(result.fleet.findings, rows)


def size(result: Result) -> int:
    """Return the number of rows of the table."""
    return sum(len(tenant.findings) for tenant in result.tenants) + len(result.fleet.findings)


class _Reading:
    """Reads the findings of one tenant, or of the fleet, and remembers what repeats."""

    def __init__(self, tenant: str, headers: Mapping[str, PolicyHeader], names: Mapping[str, str]) -> None:
        self._tenant = tenant
        self._headers = headers
        self._names = names
        self._rules = Values(self._rule)
        self._products = Values(self._product)
        self._facts = Values(_plain_facts)
        self._odd_facts = Values(lambda facts: facts)
        self._ends = Values(_end)

    def stretches(self, findings: Iterable[Finding], rows: int) -> Iterator[Stretch]:
        found = iter(findings)
        while some := list(islice(found, rows)):
            yield self._stretch(some)

    def _stretch(self, found: list[Finding]) -> Stretch:
        subjects = [finding.subject for finding in found]
        evidence = [finding.evidence for finding in found]
        named: set[str] = set().union(*evidence)
        rules = self._rules_of(found, subjects)
        parts: tuple[Block | Texts, ...] = (
            Block(columns=COLUMNS[:8], first=0, numbers=rules, values=self._rules),
            Texts(column="subjectId", values=[subject.id for subject in subjects]),
            Texts(column="subjectName", values=[subject.name for subject in subjects]),
            Block(columns=COLUMNS[10:16], first=0, numbers=self._products_of(found), values=self._products),
            Block(columns=COLUMNS[16:18], first=8, numbers=rules, values=self._rules),
            Texts(column="fingerprint", values=[finding.fingerprint for finding in found]),
            Block(columns=COLUMNS[19:21], first=10, numbers=rules, values=self._rules),
            Texts(column="userPrincipalName", values=_texts(evidence, "userPrincipalName")),
            self._facts_of(evidence),
            Texts(column="lastSignIn", values=_last_sign_ins(evidence, named)),
            self._ends_of(evidence, named),
        )
        return Stretch(count=len(found), parts=parts)

    def _rules_of(self, found: list[Finding], subjects: list[Subject]) -> Sequence[int]:
        keys = [
            (
                each.policy, each.severity, each.status, each.change, each.check, subject.type,
                each.waiver, each.guidance, (source := each.source).file, source.line,
            )
            for each, subject in zip(found, subjects, strict=True)
        ]  # fmt: skip
        return chosen(self._rules, keys)

    def _rule(self, key: tuple[Any, ...]) -> tuple[Cell, ...]:
        policy, severity, status, change, check, kind, *rest = key
        header = self._headers.get(policy)
        title = header.title if header is not None else ""
        said = change.value if change is not None else ""
        return (self._tenant, policy, title, severity.value, status.value, said, check, kind.value, *rest)

    def _products_of(self, found: list[Finding]) -> Sequence[int]:
        keys = [
            (
                (product := each.product or _NO_PRODUCT).sku_id, product.sku_part_number, each.detail,
                None if (money := each.money) is None else money.currency, None if money is None else money.per_month,
            )
            for each in found
        ]  # fmt: skip
        return chosen(self._products, keys)

    def _product(self, key: tuple[str | None, str | None, str | None, str | None, Decimal | None]) -> tuple[Cell, ...]:
        sku, part, detail, currency, worth = key
        known = self._names.get(sku.casefold()) if sku is not None else None
        return sku, part, known or part or sku, detail, currency, None if worth is None else amount(worth)

    def _facts_of(self, evidence: list[Mapping[str, Any]]) -> Block:
        told, values = _told(evidence, _SHARED_FACTS), self._facts
        try:
            numbers = chosen(values, told)
            plain = set(map(type, map(itemgetter(0), told))) <= _PLAIN
        except TypeError:
            plain = False
        if not plain:
            # 1 would be the same key as True, and a list would be none: they become words first.
            told, values = [tuple(map(cell, facts)) for facts in told], self._odd_facts
            numbers = chosen(values, told)
        return Block(columns=_SHARED_FACTS, first=0, numbers=numbers, values=values)

    def _ends_of(self, evidence: list[Mapping[str, Any]], named: set[str]) -> Block:
        told = [facts.get("paths") for facts in evidence] if "paths" in named else [None] * len(evidence)
        seats = None
        if not _SEATS.isdisjoint(named):
            seats = [tuple(cell(facts.get(name)) for name in SEAT_FACTS) for facts in evidence]
        try:
            numbers = self._numbered(_ways_of(told), seats)
        except TypeError:
            # A list or a mapping in the place of a name is no key.
            numbers = self._numbered(list(map(_ways, told)), seats)
        return Block(columns=COLUMNS[27:], first=0, numbers=numbers, values=self._ends)

    def _numbered(self, ways: list[tuple[Any, ...]], seats: list[tuple[Cell, ...]] | None) -> Sequence[int]:
        return chosen(self._ends, ways if seats is None else list(zip(ways, seats, strict=True)))


def chosen(known: Any, keys: Sequence[Any]) -> Sequence[Any]:
    """Return what each key, or number, stands for: a loop that Python does not see, for very many."""
    return itemgetter(*keys)(known) if len(keys) > 1 else [known[key] for key in keys]


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


def _plain_facts(facts: tuple[Any, ...]) -> tuple[Cell, ...]:
    """Return the cells of the shared facts; raises TypeError unless all are texts, or accountEnabled true or false."""
    enabled, *others = facts
    if type(enabled) not in _PLAIN or not set(map(type, others)) <= _TEXT:
        raise TypeError(facts)
    return tuple(map(cell, facts))


def _told(evidence: list[Mapping[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return what each tells under these names, None for nothing."""
    try:
        return list(map(itemgetter(*names), evidence))
    except KeyError:
        return list(zip(*([facts.get(name) for facts in evidence] for name in names), strict=True))


def _ways_of(told: list[Any]) -> list[tuple[Any, ...]]:
    """Return a key for what is said of assignment paths: of one path its parts, else one text or nothing."""
    try:
        return _told([way for [way] in told], _WAY)
    except (AttributeError, TypeError, ValueError):
        # Somebody has no path, or several, or words stand in the place of one.
        return [
            (only.get("groupName"), only.get("assignedByGroup"), only.get("state"))
            if type(paths) is list and len(paths) == 1 and type(only := paths[0]) is dict
            else _ways(paths)
            for paths in told
        ]


def _ways(told: Any) -> tuple[Any, ...]:
    """Return what is said of assignment paths, in one text; nothing where there are none."""
    return ("; ".join(paths({"paths": told})),) if told else ()


def _end(key: tuple[Any, ...]) -> tuple[Cell, ...]:
    """Return the cells of assignment paths, and of seats where the key has them."""
    match key:
        case (tuple(way), seats):
            return (*_path(way), *seats)
        case _:
            return (*_path(key), *_NO_SEATS)


def _path(key: tuple[Any, ...]) -> tuple[Cell, ...]:
    match key:
        case (_, _, _):
            if not set(map(type, key)) <= _TEXT:
                # 1 would be the same key as True.
                raise TypeError(key)
            return _ways([dict(zip(_WAY, key, strict=True))])
        case ():
            return (None,)
        case _:
            return key


def _last_sign_ins(evidence: list[Mapping[str, Any]], named: set[str]) -> list[str | None]:
    told = [name for name in SIGN_INS if name in named]
    return latest([[facts.get(name) for facts in evidence] for name in told], evidence)


def _texts(evidence: list[Mapping[str, Any]], name: str) -> list[str | None]:
    values = [facts.get(name) for facts in evidence]
    if only_texts(values) or set(map(type, values)) <= _TEXT:
        return values
    return [None if value is None else str(cell(value)) for value in values]
