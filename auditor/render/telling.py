"""The evidence of very many findings into words: what depends on the same facts is put into words once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from auditor.domain.result import Finding
from auditor.render.evidence import (
    HOLDINGS,
    OF_PEOPLE,
    PERSONAL,
    assigned,
    between,
    pieces,
    rest,
    seen,
    standing,
)
from auditor.render.facts import last_sign_in
from auditor.render.words import Words

_PLACE: Final = "usageLocation"
_BEFORE_PEOPLE: Final = frozenset({"usable", "consumed", "short", "excess"})


class Telling:
    """Says what `evidence.pieces` says, and remembers it by the facts that the words depend on."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._shapes: dict[tuple[str, ...], tuple[bool, bool]] = {}
        self._told: dict[tuple[Any, ...], str] = {}
        self._seen: dict[str, str] = {"": ""}

    def columns(self, findings: Sequence[Finding]) -> tuple[list[str], list[str], list[str], list[str]]:
        """Return the four parts of the evidence of each finding, as four columns."""
        parts: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
        stands, seen_, has, more = (part.append for part in parts)
        shapes, holds = self._shapes, {check: check.startswith(HOLDINGS) for check in {f.check for f in findings}}
        for finding in findings:
            facts, check = finding.evidence, finding.check
            names = tuple(facts)
            known = shapes.get(names)
            if known is None:
                known = shapes[names] = _shape(names)
            of_people, personal = known
            if of_people:
                stands(self._stands(facts))
                seen_(self._was_seen(facts))
                has(self._has(facts))
                plain = personal and not holds[check] and not facts.get("error") and check != "budget.exceeded"
                more("" if plain else self._rest(finding, personal=personal))
            else:
                for part, told in zip(parts, pieces(finding, self._words), strict=True):
                    part.append(told)
        return parts

    def _stands(self, facts: Mapping[str, Any]) -> str:
        get = facts.get
        key = (get("accountEnabled") is False, get("userType"), get("mailboxType"), get("department"), get(_PLACE))
        return self._once(key, key[1:], lambda: between(standing(facts, self._words)))

    def _was_seen(self, facts: Mapping[str, Any]) -> str:
        moment = last_sign_in(facts)
        day = "" if moment is None else self._words.written_date(moment)
        said = self._seen.get(day)
        if said is None:
            said = self._seen[day] = seen(facts, self._words)
        return said

    def _has(self, facts: Mapping[str, Any]) -> str:
        paths = facts.get("paths")
        if not paths:
            return ""
        if type(paths) is list and len(paths) == 1 and type(paths[0]) is dict:
            get = paths[0].get
            key = (get("groupName"), get("assignedByGroup"), get("state"))
            return self._once(("path", *key), key, lambda: assigned(facts, self._words))
        return assigned(facts, self._words)

    def _rest(self, finding: Finding, *, personal: bool) -> str:
        facts = finding.evidence
        held = facts.get("assignedLicenses")
        if not personal or type(held) is not list or facts.get("error") or finding.check == "budget.exceeded":
            return between(rest(finding, self._words))
        return self._once(("holds", *held), held, lambda: between(rest(finding, self._words)))

    def _once(self, key: tuple[Any, ...], texts: Iterable[Any], say: Callable[[], str]) -> str:
        """Return what is said of a key, which is remembered where all its facts are texts.

        Facts that are equal need not be said alike: 1 and True are equal.
        """
        try:
            return self._told[key]
        except KeyError:
            said = say()
            if all(value is None or type(value) is str for value in texts):
                self._told[key] = said
        except TypeError:  # a list or an object where Graph has a text
            said = say()
        return said


def _shape(names: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether facts of these names are told as a person's and nothing before that; whether nothing comes after it."""
    of_people = not OF_PEOPLE.isdisjoint(names) and _BEFORE_PEOPLE.isdisjoint(names)
    return of_people, PERSONAL.issuperset(names)
