"""Saved findings into Findings again: hundreds of thousands of well-formed ones quickly, any other with care."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result import Finding, Money, ProductReference, SourceLine, Subject
from auditor.domain.syntax.limits import LARGEST
from auditor.files.json_shape import checked_amount
from auditor.history.json_reader import JsonObject, check_number, exact

_SEVERITIES: Final = {word.value: word for word in Severity}
_STATUSES: Final = {word.value: word for word in Status}
_CHANGES: Final[dict[str | None, Change | None]] = {None: None, **{word.value: word for word in Change}}
_TYPES: Final = {word.value: word for word in SubjectType}


class FindingReader:
    """Reads the findings of a file; what many of them share is one value."""

    def __init__(self, carefully: Callable[[JsonObject], Finding], *, always: bool) -> None:
        self._carefully = carefully
        """Reads one finding key by key; refuses it with the place of what is wrong."""
        self._always = always
        """Whether the file was decoded with care, so that fractions are not yet as they have to be."""
        self._texts: dict[str, str] = {}
        self._subjects: dict[tuple[str, str, str], Subject] = {}
        self._sources: dict[tuple[str, int], SourceLine] = {}
        self._products: dict[tuple[str | None, str | None], ProductReference] = {}
        self._amounts: dict[tuple[str, float], Money] = {}

    def read(self, part: JsonObject, key: str) -> tuple[Finding, ...]:
        """Return the findings of a list, which is emptied; raises SnapshotError where it is damaged."""
        return tuple(self._read(part, key))

    def _read(self, part: JsonObject, key: str) -> Iterator[Finding]:
        values = part.values.get(key)
        for one in part.parts(key):
            yield (None if self._always else self._quickly(one.values)) or self._carefully(one)
            assert isinstance(values, list)
            values[one.index] = None

    def _quickly(self, told: Any) -> Finding | None:
        """Return a finding of which every key is there with the usual type; None where that is not so."""
        try:
            subject, source, evidence = told["subject"], told["source"], told["evidence"]
            product, money, waiver, detail = told["product"], told["money"], told["waiver"], told["detail"]
            fingerprint, policy, check, guidance = told["fingerprint"], told["policy"], told["check"], told["guidance"]
            texts = (fingerprint, policy, check, guidance, subject["id"], subject["name"], source["file"])
            if not (
                set(map(type, texts)) == {str}
                and type(evidence) is dict
                and type(source["line"]) is int
                and -LARGEST <= source["line"] <= LARGEST
                and (waiver is None or type(waiver) is str)
                and (detail is None or type(detail) is str)
            ):
                return None
            check_numbers(evidence.values())
            return Finding(
                fingerprint=fingerprint,
                policy=self._texts.setdefault(policy, policy),
                check=self._texts.setdefault(check, check),
                severity=_SEVERITIES[told["severity"]],
                status=_STATUSES[told["status"]],
                subject=self._subject(subject),
                source=self._source(source),
                waiver=waiver,
                change=_CHANGES[told["change"]],
                product=None if product is None else self._product(product),
                detail=detail,
                evidence=evidence,
                money=None if money is None else self._money(money),
                guidance=self._texts.setdefault(guidance, guidance),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def _subject(self, told: Any) -> Subject:
        key = (told["type"], told["id"], told["name"])
        known = self._subjects.get(key)
        if known is None:
            known = self._subjects[key] = Subject(type=_TYPES[key[0]], id=key[1], name=key[2])
        return known

    def _source(self, told: Any) -> SourceLine:
        key = (told["file"], told["line"])
        known = self._sources.get(key)
        if known is None:
            known = self._sources[key] = SourceLine(file=key[0], line=key[1])
        return known

    def _product(self, told: Any) -> ProductReference:
        key = (told["skuId"], told["skuPartNumber"])
        known = self._products.get(key)
        if known is None:
            if not set(map(type, key)) <= {str, type(None)}:
                raise TypeError
            known = self._products[key] = ProductReference(sku_id=key[0], sku_part_number=key[1])
        return known

    def _money(self, told: Any) -> Money:
        key = (told["currency"], told["perMonth"])
        known = self._amounts.get(key)
        if known is None or type(key[1]) is bool:
            if type(key[0]) is not str or type(key[1]) not in {int, float}:
                raise TypeError
            known = self._amounts[key] = Money(currency=key[0], per_month=checked_amount(exact(key[1])))
        return known


def check_numbers(values: Iterable[Any]) -> None:
    """Raise DoubtfulNumberError where a number among these, or within them, may be another than was written."""
    for value in values:
        kind = type(value)
        if kind is float or kind is int:
            check_number(value)
        elif kind is dict:
            check_numbers(value.values())
        elif kind is list:
            check_numbers(value)
