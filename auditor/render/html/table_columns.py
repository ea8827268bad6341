"""Every finding of a Result into columns of numbers, each text once: what the page's table of all findings is of."""

from array import array
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from operator import is_
from typing import Any, Final

from auditor.domain.enums import Change, Severity
from auditor.domain.result import Result
from auditor.domain.translation import N_
from auditor.render.html.finding_index import Numbers, Walk, walks
from auditor.render.html.rows import Context, address_of, anchored, name_of, place_of, what
from auditor.render.text.evidence import other_part, subject_parts
from auditor.render.text.facts import product_name
from auditor.render.text.labels import CHANGES, SEVERITIES, Labels
from auditor.render.text.sanitize import LONG, shortened, visible
from auditor.result.ranking import most_urgent_tenants

EVIDENCE: Final = ("evidence0", "evidence1", "evidence2", "evidence3")
"""The four parts of the evidence; the page puts centred dots between those that say something."""
_CHANGES: Final = (None, Change.NEW, Change.REOPENED)


class Texts:
    """Gives each text a number in the order in which they come; 0 is the empty text."""

    def __init__(self) -> None:
        self.known: list[str] = [""]
        self._numbers = Numbers(1)
        self._numbers |= {None: 0, "": 0}

    def numbers(self, texts: Iterable[str | None]) -> list[int]:
        """Return the number of each text; 0 for none."""
        before = len(self._numbers)
        column = self._numbers.column(texts)
        fresh: list[str] = list(islice(self._numbers, before, None))
        # Most texts are harmless, which is seen soonest of all of them together.
        if visible(joined := "".join(fresh)) is joined and max(map(len, fresh), default=0) <= LONG:
            self.known += fresh
        else:
            self.known += [visible(shortened(text), keep="\n").replace("\n", " ") for text in fresh]
        return column


class Gathering:
    """Collects findings column by column; texts that many findings share are made once."""

    def __init__(self, words: Labels) -> None:
        self.words = words
        self.columns: dict[str, list[Sequence[int]]] = {
            name: []
            for name in (
                *("place", "severity", "status", "change", "waiver"),
                *("who", "what", "product", "department", *EVIDENCE, "money", "action"),
            )
        }
        self.fingerprints: list[str] = []
        self.texts = {
            name: Texts() for name in ("what", "product", "department", "waiver", *EVIDENCE, "name", "address")
        }
        self.tenants: list[tuple[str, str]] = []
        self.policies: dict[str, tuple[int, str]] = {}
        self.places: list[tuple[int, int, str]] = []
        self.people: tuple[list[int], list[int]] = ([], [])
        """Numbers of names and of addresses."""
        self.money: list[tuple[str, float]] = [("", 0.0)]
        self.actions: list[tuple[str, str]] = [("", "")]
        self._amounts: dict[tuple[str, Decimal], int] = {}

    def tenant(self, title: str, walk: Walk, actions: Sequence[int]) -> None:
        """Take the findings of one tenant, or of the fleet; `actions` are the numbers of what mends them."""
        tenant, policies = len(self.tenants), len(self.places)
        self.tenants.append((anchored(walk.context.prefix), visible(title)))
        self.fingerprints += walk.marks
        self.places += [self._place(tenant, policy, walk.context) for policy in walk.policies]
        put = self.columns
        put["place"].append([policies + place for place in walk.place] if policies else walk.place)
        put["severity"].append(walk.severity)
        put["status"].append(walk.waived)
        put["change"].append(walk.change)
        put["waiver"].append(self._waivers(walk))
        amounts = [0 if money is None else self._money((money.currency, money.per_month)) for money in walk.amounts]
        put["money"].append(array("I", map(amounts.__getitem__, walk.worth)))
        put["action"].append(_mending(walk, actions))
        self._subjects(walk)
        whats = self.texts["what"].numbers([what(each, walk.context) for each in walk.abouts])
        put["what"].append(array("I", map(whats.__getitem__, walk.said)))
        names = self.texts["product"].numbers([product_name(each, walk.context.names) for each in walk.abouts])
        put["product"].append(array("I", map(names.__getitem__, walk.said)))
        self._evidence(walk)

    def act(self, anchor: str, title: str) -> int:
        """Return the number of an action, from 1."""
        self.actions.append((anchor, visible(title)))
        return len(self.actions) - 1

    def _place(self, tenant: int, policy: str, context: Context) -> tuple[int, int, str]:
        header = context.headers.get(policy)
        title = visible((header.title if header is not None else "") or policy)
        number, _ = self.policies.setdefault(policy, (len(self.policies), title))
        return tenant, number, place_of(context.prefix, policy)

    def _waivers(self, walk: Walk) -> Sequence[int]:
        if True not in walk.waived:
            return bytes(len(walk.waived))
        told = zip(walk.findings, walk.waived, strict=True)
        return self.texts["waiver"].numbers([each.waiver if waived else None for each, waived in told])

    def _subjects(self, walk: Walk) -> None:
        names, addresses = self.people
        known = len(names)
        self.columns["who"].append([known + who for who in walk.who] if known else walk.who)
        # Nearly every person has both: only of the others more has to be asked.
        called = [each.subject.name or name_of(each) for each in walk.subjects]
        names += self.texts["name"].numbers(called)
        addresses += self.texts["address"].numbers(
            [
                told
                if type(told := each.evidence.get("userPrincipalName")) is str and told != name
                else address_of(each, name)
                for each, name in zip(walk.subjects, called, strict=True)
            ]
        )

    def _evidence(self, walk: Walk) -> None:
        evidence = [each.evidence for each in walk.findings]
        # Findings about a person may share theirs.
        numbers, distinct = walk.who, [each.evidence for each in walk.subjects]
        if not all(map(is_, evidence, map(distinct.__getitem__, numbers))):
            numbers = Numbers().column(map(id, evidence))
            distinct = list(dict(zip(numbers, evidence, strict=True)).values())
        departments = [told if type(told := facts.get("department")) is str else _text(told) for facts in distinct]
        parts = zip(*(subject_parts(facts, self.words) for facts in distinct), strict=True) if distinct else ((),) * 3
        for name, told in zip(("department", *EVIDENCE[:-1]), (departments, *parts), strict=True):
            said = self.texts[name].numbers(told)
            self.columns[name].append(array("I", map(said.__getitem__, numbers)))
        other = [other_part(each, self.words) for each in walk.findings]
        self.columns[EVIDENCE[-1]].append(self.texts[EVIDENCE[-1]].numbers(other))

    def _money(self, key: tuple[str, Decimal]) -> int:
        found = self._amounts.get(key)
        if found is None:
            found = self._amounts[key] = len(self.money)
            self.money.append((visible(self.words.money(key[1], key[0])), float(key[1])))
        return found

    def document(self) -> dict[str, Any]:
        """Return what is short and known at once, as plain JSON values."""
        return {
            "labels": {key: self.words.gettext(text) for key, text in LABELS.items()},
            "severities": [(key.value, self.words.gettext(SEVERITIES[key])) for key in Severity],
            "changes": [("", "")]
            + [(key.value, self.words.gettext(CHANGES[key])) for key in _CHANGES if key is not None],
            "tenants": self.tenants,
            "policies": [(visible(policy), title) for policy, (_, title) in self.policies.items()],
            "places": self.places,
            "actions": self.actions,
        }


LABELS: Final = {
    "shown": N_("Shown: {shown} of {all}"),
    "any": N_("any"),
    "open": N_("open"),
    "waived": N_("waived"),
    "none": N_("none"),
    "policy": N_("Policy"),
    "status": N_("Status"),
    "severity": N_("Severity"),
    "finding": N_("Finding"),
    "evidence": N_("Evidence"),
    "month": N_("A month"),
    "department": N_("Department"),
    "tenant": N_("Tenant"),
    "change": N_("Change"),
    "waiver": N_("Waiver"),
    "act": N_("What to do"),
    "every": N_("All of them in the table"),
}


def gathered(result: Result, words: Labels, gone: Sequence[Walk] | None = None) -> Gathering:
    """Return the findings of every tenant that is told in full, and of the fleet, in the order of the result.

    `gone` is the walks over them, where they are at hand.
    """
    gathering = Gathering(words)
    *tenants, fleet = walks(result, words) if gone is None else gone
    for tenant, walk in zip(most_urgent_tenants(result).tenants, tenants, strict=True):
        actions = [gathering.act(anchored("a", tenant.name, each.id), each.title) for each in walk.actions]
        gathering.tenant(tenant.display_name or tenant.name, walk, actions)
    if result.fleet.findings:
        actions = [gathering.act(anchored("a", "fleet", each.id), each.title) for each in fleet.actions]
        gathering.tenant(words.gettext("All tenants together"), fleet, actions)
    return gathering


def _mending(walk: Walk, actions: Sequence[int]) -> list[int]:
    """Return the action that mends each finding; of several the first is the one that is linked."""
    column = [0] * len(walk.marks)
    for rows, action in zip(reversed(walk.mended), reversed(actions), strict=True):
        for row in rows:
            column[row] = action
    if actions and len(last := dict(zip(walk.marks, column, strict=True))) < len(column):
        return list(map(last.__getitem__, walk.marks))  # a saved result may tell a finding twice
    return column


def _text(told: Any) -> str | None:
    return str(told) if told else None
