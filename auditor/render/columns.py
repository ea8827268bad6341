"""Every finding of a Result into columns of numbers, each text once: what the page's table of all findings is of."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from itertools import count, islice, repeat
from typing import Any, Final

from auditor.domain.result import Action, Finding, Result
from auditor.domain.words import Severity
from auditor.render.amounts import Amounts
from auditor.render.facts import product_name
from auditor.render.members import NEW, PRODUCT, REOPENED, USER, WAIVED
from auditor.render.rows import LONG, Context, address_of, anchored, name_of, shortened, what
from auditor.render.telling import Telling
from auditor.render.visible import visible
from auditor.render.words import CHANGES, SEVERITIES, Words
from auditor.wording.checks import N_

EVIDENCE: Final = ("evidence0", "evidence1", "evidence2", "evidence3")
"""The four parts of the evidence; the page puts centred dots between those that say something."""
_CHANGES: Final = (None, NEW, REOPENED)
_SEVERITIES: Final = {id(severity): place for place, severity in enumerate(Severity)}
_CHANGED: Final = {id(NEW): 1, id(REOPENED): 2}


class Numbers(defaultdict[Any, int]):
    """Gives each key a number in the order in which they come, from `start`."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(count(start).__next__)

    def column(self, keys: Iterable[Hashable]) -> list[int]:
        """Return the number of each key."""
        return list(map(self.__getitem__, keys))


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

    def __init__(self, words: Words) -> None:
        self.words = words
        self.columns: dict[str, list[int]] = {
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
        self._amount = Amounts(words)
        self._telling = Telling(words)

    def tenant(
        self, title: str, context: Context, findings: Sequence[Finding], actions: dict[str, int] | None = None
    ) -> None:
        """Take the findings of one tenant, or of the fleet; `actions` has the numbers of what mends them."""
        tenant = len(self.tenants)
        self.tenants.append((anchored(context.prefix), visible(title)))
        put = self.columns
        marks = [each.fingerprint for each in findings]
        self.fingerprints += marks
        policies = Numbers(len(self.places))
        put["place"] += policies.column([each.policy for each in findings])
        self.places += [self._place(tenant, policy, context) for policy in policies]
        put["severity"] += [_SEVERITIES[id(each.severity)] for each in findings]
        waived = [each.status is WAIVED for each in findings]
        put["status"] += waived
        put["change"] += [_CHANGED.get(id(each.change), 0) for each in findings]
        put["waiver"] += self._waivers(findings, waived)
        put["money"] += self._worth(findings)
        put["action"] += [actions.get(mark, 0) for mark in marks] if actions else [0] * len(marks)
        self._subjects(findings)
        self._said(findings, context)
        self._evidence(findings)

    def act(self, anchor: str, title: str) -> int:
        """Return the number of an action, from 1."""
        self.actions.append((anchor, visible(title)))
        return len(self.actions) - 1

    def _place(self, tenant: int, policy: str, context: Context) -> tuple[int, int, str]:
        header = context.headers.get(policy)
        title = visible((header.title if header is not None else "") or policy)
        number, _ = self.policies.setdefault(policy, (len(self.policies), title))
        return tenant, number, anchored("p", context.prefix or "fleet", policy)

    def _waivers(self, findings: Sequence[Finding], waived: Sequence[bool]) -> list[int]:
        if True not in waived:
            return [0] * len(waived)
        return self.texts["waiver"].numbers(
            [each.waiver if gone else None for each, gone in zip(findings, waived, strict=True)]
        )

    def _subjects(self, findings: Sequence[Finding]) -> None:
        names, addresses = self.people
        known = Numbers(len(names))
        # Nearly all are people: their kind, which is dear to hash, need not stand in the key.
        whos = known.column(
            [about.id if (about := each.subject).type is USER else (about.type, about.id) for each in findings]
        )
        self.columns["who"] += whos
        first = dict(zip(reversed(whos), reversed(findings), strict=True))
        people = [first[number] for number in range(len(names), len(names) + len(known))]
        called = list(map(name_of, people))
        names += self.texts["name"].numbers(called)
        addresses += self.texts["address"].numbers(map(address_of, people, called))

    def _said(self, findings: Sequence[Finding], context: Context) -> None:
        keys = [
            (each.check, each.detail, each.subject.type is PRODUCT, about.sku_id, about.sku_part_number)
            if (about := each.product) is not None
            else (each.check, each.detail, each.subject.type is PRODUCT, None, None)
            for each in findings
        ]
        numbers = Numbers().column(keys)
        distinct = dict(zip(numbers, findings, strict=True)).values()
        whats = self.texts["what"].numbers([what(each, context) for each in distinct])
        names = self.texts["product"].numbers([product_name(each, context.names) for each in distinct])
        self.columns["what"] += map(whats.__getitem__, numbers)
        self.columns["product"] += map(names.__getitem__, numbers)

    def _evidence(self, findings: Sequence[Finding]) -> None:
        evidence = [each.evidence for each in findings]
        numbers = Numbers().column(map(id, evidence))
        distinct = list(dict(zip(numbers, evidence, strict=True)).values())  # findings about a person may share theirs
        departments = [told if type(told := facts.get("department")) is str else _text(told) for facts in distinct]
        stands, seen, has, whole = self._telling.parts(distinct)
        shared: Iterable[Sequence[str | None]] = (departments, stands, seen, has)
        for name, told in zip(("department", *EVIDENCE[:-1]), shared, strict=True):
            self.columns[name] += map(self.texts[name].numbers(told).__getitem__, numbers)
        more = EVIDENCE[-1]
        self.columns[more] += self.texts[more].numbers(self._telling.more(findings, numbers, whole))

    def _worth(self, findings: Sequence[Finding]) -> list[int]:
        """Return the number of each amount."""
        # A Decimal is dear to hash, and few stand for many findings: the objects themselves are told apart first.
        amounts = [each.money for each in findings]
        keys = [None if money is None else (money.currency, id(money.per_month)) for money in amounts]
        numbers = Numbers().column(keys)
        distinct = dict(zip(numbers, amounts, strict=True)).values()
        said = [0 if money is None else self._money((money.currency, money.per_month)) for money in distinct]
        return list(map(said.__getitem__, numbers))

    def _money(self, key: tuple[str, Decimal]) -> int:
        found = self._amounts.get(key)
        if found is None:
            found = self._amounts[key] = len(self.money)
            self.money.append((visible(self._amount.said(key[1], key[0])), float(key[1])))
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


def gathered(result: Result, words: Words) -> Gathering:
    """Return the findings of every tenant and of the fleet, in the order of the result."""
    gathering = Gathering(words)
    headers = {policy.id: policy for policy in result.run.policies}
    for tenant in result.tenants:
        actions = _mending(gathering, tenant.name, tenant.actions)
        context = Context.of_tenant(tenant, headers, words)
        gathering.tenant(tenant.display_name or tenant.name, context, tenant.findings, actions)
    if result.fleet.findings:
        actions = _mending(gathering, "fleet", result.fleet.actions)
        context = Context.of_fleet(result, headers, words)
        gathering.tenant(words.gettext("All tenants together"), context, result.fleet.findings, actions)
    return gathering


def _mending(gathering: Gathering, name: str, actions: Sequence[Action]) -> dict[str, int]:
    """Return by fingerprint the number of the action that mends it; of several the first is the one that is linked."""
    mended = [(action.findings, gathering.act(anchored("a", name, action.id), action.title)) for action in actions]
    numbers: dict[str, int] = {}
    for marks, number in reversed(mended):
        numbers.update(zip(marks, repeat(number)))
    return numbers


def _text(told: Any) -> str | None:
    return str(told) if told else None
