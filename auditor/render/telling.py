"""The evidence of very many findings into words: what depends on the same facts is put into words once."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from auditor.domain.result import Finding
from auditor.render.evidence import (
    HOLDINGS,
    OF_PEOPLE,
    PERSONAL,
    assigned,
    between,
    pieces,
    rest,
    signed_in,
    standing,
)
from auditor.render.facts import last_sign_ins
from auditor.render.words import Words

_BUDGET: Final = "budget.exceeded"
_BEFORE_PEOPLE: Final = frozenset({"usable", "consumed", "short", "excess"})
_TEXT: Final = frozenset({str, type(None)})
_INSTANT: Final = "0000-00-00T00:00:00Z"
_FIGURES: Final = str.maketrans("123456789", "000000000")
_SIXTY: Final = frozenset(f"{number:02}" for number in range(60))
_HOURS: Final = frozenset(f"{number:02}" for number in range(24))
_OTHERWISE: Final = 0
"""In a key, for what is said each time anew: it is no text."""

Of = TypeVar("Of")
Facts = Mapping[str, Any]
Told = tuple[tuple[str, str, str], bool]
"""What is said of a person, the rest left out, and whether nothing but what they hold can be the rest."""


class Telling:
    """Says what `evidence.pieces` says, and remembers it by the facts that the words depend on."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._shapes = _Shapes()
        self._said: dict[Hashable, str] = {}

    def columns(self, findings: Sequence[Finding]) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return the four parts of the evidence of each finding, as four columns."""
        evidence = [finding.evidence for finding in findings]
        marks = list(map(id, evidence))
        distinct = dict(zip(marks, evidence, strict=True))  # findings about one person may share their facts
        people = dict(self._people(distinct))
        quiet = {check for check in {each.check for each in findings} if not check.startswith((*HOLDINGS, _BUDGET))}
        rows = list(map(people.get, marks))
        stands, seen, has = ([told[0][part] if told else "" for told in rows] for part in range(3))
        more = [""] * len(findings)
        holding: list[int] = []
        for place, (finding, told) in enumerate(zip(findings, rows, strict=True)):
            if told is None:
                stands[place], seen[place], has[place], more[place] = pieces(finding, self._words)
            elif not told[1]:
                more[place] = between(rest(finding, self._words))
            elif finding.check not in quiet:
                holding.append(place)
        held = self._held([findings[place] for place in holding])
        for place, said in zip(holding, held, strict=True):
            more[place] = said
        return stands, seen, has, more

    def _people(self, evidence: Mapping[int, Facts]) -> Iterator[tuple[int, Told]]:
        """Yield what is said of those facts that are a person's, with their keys."""
        shapes = list(map(self._shapes.__getitem__, map(tuple, evidence.values())))
        keys = [key for key, (of_people, _) in zip(evidence, shapes, strict=True) if of_people]
        people = [facts for facts, (of_people, _) in zip(evidence.values(), shapes, strict=True) if of_people]
        calm = [
            shape[1] and not facts.get("error")
            for shape, facts in zip(shapes, evidence.values(), strict=True)
            if shape[0]
        ]
        said = zip(self._stand(people), self._seen(people), self._has(people), strict=True)
        yield from zip(keys, zip(said, calm, strict=True), strict=True)

    def _stand(self, people: Sequence[Facts]) -> list[str]:
        keys = [
            (
                (get := facts.get)("accountEnabled") is False,
                *(get("userType"), get("mailboxType"), get("department"), get("usageLocation")),
            )
            for facts in people
        ]
        return self._once(keys, people, lambda facts: between(standing(facts, self._words)))

    def _seen(self, people: Sequence[Facts]) -> list[str]:
        moments = last_sign_ins(people)
        days = self._days(list(dict.fromkeys(moment for moment in moments if moment)))
        one = {day: moment for moment, day in days.items()}  # one moment of a day stands for all
        said = {day: signed_in(moment, self._words) for day, moment in one.items()}
        return [said[days[moment]] if moment else "" for moment in moments]

    def _days(self, moments: Sequence[str]) -> dict[str, str]:
        """Return what tells the days of moments apart: of plain instants of UTC their first letters."""
        plain = (
            "".join(moments).translate(_FIGURES) == _INSTANT * len(moments)
            and {len(_INSTANT)}.issuperset(map(len, moments))
            and _HOURS.issuperset([moment[11:13] for moment in moments])
            and _SIXTY.issuperset([moment[14:16] for moment in moments])
            and _SIXTY.issuperset([moment[17:19] for moment in moments])
            and all(map(_is_day, {moment[:10] for moment in moments}))
        )
        if not plain:
            return {moment: self._words.written_date(moment) for moment in moments}
        return {moment: moment[:10] for moment in moments}

    def _has(self, people: Sequence[Facts]) -> list[str]:
        keys = [
            ("path", (get := only.get)("groupName"), get("assignedByGroup"), get("state"))
            if type(ways) is list and len(ways) == 1 and type(only := ways[0]) is dict
            else ("path", _OTHERWISE if ways else None)
            for ways in [facts.get("paths") for facts in people]
        ]
        return self._once(keys, people, lambda facts: assigned(facts, self._words))

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
        said = self._said
        try:
            fresh = {key: each for key, each in zip(keys, told, strict=True) if key not in said}
        except TypeError:  # a list or an object where Graph has a text
            return list(map(say, told))
        said.update((key, say(each)) for key, each in fresh.items() if _TEXT.issuperset(map(type, key[1:])))
        found = map(said.get, keys)
        return [say(each) if known is None else known for known, each in zip(found, told, strict=True)]


class _Shapes(dict[tuple[str, ...], tuple[bool, bool]]):
    """Whether facts of these names are told as a person's and nothing before that; whether nothing comes after it."""

    def __missing__(self, names: tuple[str, ...]) -> tuple[bool, bool]:
        of_people = not OF_PEOPLE.isdisjoint(names) and _BEFORE_PEOPLE.isdisjoint(names)
        shape = self[names] = (of_people, PERSONAL.issuperset(names))
        return shape


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
