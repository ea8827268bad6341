"""The evidence of very many findings into words: what depends on the same facts is put into words once."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date
from itertools import compress, count
from re import compile as pattern
from typing import Any, Final, TypeVar, cast

from auditor.checks.registry import tells_holdings
from auditor.domain.result import Finding
from auditor.render.text.evidence import (
    OF_PEOPLE,
    PERSONAL,
    assigned,
    between,
    rest,
    signed_in,
    standing,
    stated,
)
from auditor.render.text.facts import SIGN_INS, latest
from auditor.render.text.labels import Labels

_BUDGET: Final = "budget.exceeded"
_BEFORE_PEOPLE: Final = frozenset({"usable", "consumed", "short", "excess"})
_TEXT: Final = frozenset({str, type(None)})
_DAY: Final = pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LETTERS: Final = len("2026-11-20T02:17:00Z")
_HOUR: Final = len("2026-11-20T")
_HOURS: Final = frozenset(f"{hour:02}" for hour in range(24))
_TENS: Final = "012345"
_ONES: Final = "0123456789"
_AFTER: Final = ((10, "T"), (13, ":"), (14, _TENS), (15, _ONES), (16, ":"), (17, _TENS), (18, _ONES), (19, "Z"))
"""Places in an instant with the letters that may stand there."""
_ACTIVE, _SEEN, _UNSEEN = SIGN_INS
_OTHERWISE: Final = 0
"""In a key, for what is said each time anew: it is no text."""

Of = TypeVar("Of")
Facts = Mapping[str, Any]
Columns = tuple[list[str], list[str], list[str], list[bool]]
_STRETCH: Final = 8192
"""Facts of which all is asked at a time: so many stay where the processor has them at hand."""


class Telling:
    """Says what `evidence.pieces` says, and remembers it by the facts that the words depend on."""

    def __init__(self, words: Labels) -> None:
        self._words = words
        self._shapes = _Shapes()
        self._said: dict[Hashable, str] = {}
        self._seen_on: dict[str, str] = {}

    def parts(self, evidence: Sequence[Facts]) -> Columns:
        """Return the first three parts of what each of these facts say, and whether nothing else can be left of them.

        Nothing else means: nothing but what a person holds, which some checks tell.
        """
        columns: Columns = ([], [], [], [])
        for start in range(0, len(evidence), _STRETCH):
            stands, seen, has, whole = self._stretch(evidence[start : start + _STRETCH])
            columns[0].extend(stands)
            columns[1].extend(seen)
            columns[2].extend(has)
            columns[3].extend(whole)
        return columns

    def _stretch(self, evidence: Sequence[Facts]) -> Columns:
        # Facts lie all over the memory: each is gone to once, for everything that is asked of it.
        asked = [
            (
                facts.get("accountEnabled") is False,
                facts.get("userType"),
                facts.get("mailboxType"),
                facts.get("department"),
                facts.get("usageLocation"),
                facts.get("error"),
                facts.get("paths"),
                facts.get(_ACTIVE),
                facts.get(_SEEN),
                facts.get(_UNSEEN),
            )
            for facts in evidence
        ]
        blocked, kinds, boxes, departments, locations, errors, ways, *moments = zip(*asked, strict=True)
        shapes = list(map(self._shapes.__getitem__, map(tuple, evidence)))
        whole = [shape[1] and not error for shape, error in zip(shapes, errors, strict=True)]
        who = list(zip(blocked, kinds, boxes, departments, locations, strict=True))
        stands = self._once(who, evidence, lambda facts: between(standing(facts, self._words)))
        seen = self._seen([moment or "" for moment in latest(moments, evidence)])
        has = self._once(_ways(ways), evidence, lambda facts: assigned(facts, self._words))
        for place, shape in enumerate(shapes):
            if not shape[0]:
                stands[place], seen[place], has[place] = stated(evidence[place], self._words)
        return stands, seen, has, whole

    def more(self, findings: Sequence[Finding], numbers: Sequence[int], whole: Sequence[bool]) -> list[str]:
        """Return the fourth part of each finding; `numbers` are the places of their facts in `whole`."""
        more = [""] * len(findings)
        checks = [each.check for each in findings]
        loud = {check for check in set(checks) if tells_holdings(check) or check == _BUDGET}
        holding = list(compress(range(len(checks)), map(loud.__contains__, checks))) if loud else []
        if not all(whole):
            holding = [place for place in holding if whole[numbers[place]]]
            for place, number in enumerate(numbers):
                if not whole[number]:
                    more[place] = between(rest(findings[place], self._words))
        for place, said in zip(holding, self._held([findings[place] for place in holding]), strict=True):
            more[place] = said
        return more

    def _seen(self, moments: Sequence[str]) -> list[str]:
        days = _days(moments)
        if days is None:
            each = {moment: signed_in(moment, self._words) for moment in dict.fromkeys(moments)}
            return list(map(each.__getitem__, moments))
        said = self._seen_on
        for day, moment in dict(zip(days, moments, strict=True)).items():  # one moment of a day stands for all
            if day not in said:
                said[day] = signed_in(moment, self._words)
        return list(map(said.__getitem__, days))

    def _held(self, findings: Sequence[Finding]) -> list[str]:
        """Return what is left to tell of people of whom only what they hold can be."""
        keys = [
            ("holds", *held)
            if type(held := each.evidence.get("assignedLicenses")) is list and each.check != _BUDGET
            else ("holds", _OTHERWISE)
            for each in findings
        ]
        return self._once(keys, findings, lambda each: between(rest(each, self._words)))

    def _once(self, keys: Sequence[tuple[Any, ...]], told: Sequence[Of], say: Callable[[Of], str]) -> list[str]:
        """Return what is said of each; what is said of a key is remembered where all behind its first part are texts.

        Facts that are equal need not be said alike: 1 and True are equal.
        """
        numbers: defaultdict[tuple[Any, ...], int] = defaultdict(count().__next__)
        try:
            column = list(map(numbers.__getitem__, keys))
        except TypeError:  # a list or an object where Graph has a text
            return list(map(say, told))
        one = dict(zip(column, told, strict=True))
        said = [self._remembered(key, one[number], say) for key, number in numbers.items()]
        if None not in said:
            return list(map(cast("list[str]", said).__getitem__, column))
        found = zip(map(said.__getitem__, column), told, strict=True)
        return [say(each) if known is None else known for known, each in found]

    def _remembered(self, key: tuple[Any, ...], each: Of, say: Callable[[Of], str]) -> str | None:
        said = self._said.get(key)
        if said is None and _TEXT.issuperset(map(type, key[1:])):
            said = self._said[key] = say(each)
        return said


class _Shapes(dict[tuple[str, ...], tuple[bool, bool]]):
    """Whether facts of these names are told as a person's and nothing before that; whether nothing comes after it."""

    def __missing__(self, names: tuple[str, ...]) -> tuple[bool, bool]:
        of_people = not OF_PEOPLE.isdisjoint(names) and _BEFORE_PEOPLE.isdisjoint(names)
        shape = self[names] = (of_people, PERSONAL.issuperset(names))
        return shape


def _ways(told: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return what the words about paths depend on."""
    return [
        ("path", (get := only.get)("groupName"), get("assignedByGroup"), get("state"))
        if type(ways) is list and len(ways) == 1 and type(only := ways[0]) is dict
        else ("path", _OTHERWISE if ways else None)
        for ways in told
    ]


def _days(moments: Sequence[str]) -> list[str] | None:
    """Return the days of plain instants of UTC, empty for the empty; None where one of them is written otherwise."""
    days = [moment[:10] for moment in moments]
    told = "".join(moments)
    # Every so many letters the same figure of each stands.
    hours = {tens + ones for tens, ones in set(zip(told[_HOUR::_LETTERS], told[_HOUR + 1 :: _LETTERS], strict=False))}
    plain = (
        {0, _LETTERS}.issuperset(map(len, moments))
        and all(map(_is_day, filter(None, set(days))))
        and hours <= _HOURS
        and not any(told[place::_LETTERS].strip(letters) for place, letters in _AFTER)
    )
    return days if plain else None


def _is_day(text: str) -> bool:
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
