"""Every finding of a Result into columns of numbers, each text once: what the page's table of all findings is of."""

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, Final

from auditor.domain.result import Action, Finding, ProductReference, Result
from auditor.domain.words import Severity
from auditor.render.amounts import Amounts
from auditor.render.facts import product_name
from auditor.render.members import NEW, PRODUCT, REOPENED, WAIVED
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


class Texts:
    """Gives each text a number in the order in which they come; 0 is the empty text."""

    def __init__(self) -> None:
        self.known: list[str] = [""]
        self._numbers: dict[str | None, int] = {None: 0, "": 0}

    def numbers(self, texts: Sequence[str | None]) -> list[int]:
        """Return the number of each text; 0 for none."""
        known = self._numbers
        fresh = [text for text in dict.fromkeys(texts) if text is not None and text not in known]
        known.update(zip(fresh, count(len(self.known))))
        # Most texts are harmless, which is seen soonest of all of them together.
        if visible(joined := "".join(fresh)) is joined and max(map(len, fresh), default=0) <= LONG:
            self.known += fresh
        else:
            self.known += [visible(shortened(text), keep="\n").replace("\n", " ") for text in fresh]
        return list(map(known.__getitem__, texts))


def numbered(keys: Sequence[Hashable], number: Callable[[Any], int]) -> list[int]:
    """Return the number of each key, each asked for once."""
    known: dict[Hashable, int] = dict.fromkeys(keys, 0)
    for key in known:
        known[key] = number(key)
    return list(map(known.__getitem__, keys))


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
        self.people: list[tuple[int, int]] = []
        """Numbers of a name and an address; the first stands for nobody."""
        self.money: list[tuple[str, float]] = [("", 0.0)]
        self.actions: list[tuple[str, str]] = [("", "")]
        self._amounts: dict[tuple[str, Decimal], int] = {}
        self._amount = Amounts(words)
        self._telling = Telling(words)

    def tenant(
        self, title: str, context: Context, findings: Sequence[Finding], actions: dict[str, int] | None = None
    ) -> None:
        """Take the findings of one tenant, or of the fleet; `actions` has the numbers of what mends them."""
        place = len(self.tenants)
        self.tenants.append((anchored(context.prefix), visible(title)))
        put = {name: column.extend for name, column in self.columns.items()}
        marks = [finding.fingerprint for finding in findings]
        self.fingerprints += marks
        put["place"](numbered([each.policy for each in findings], lambda policy: self._place(place, policy, context)))
        put["severity"]([_SEVERITIES[id(each.severity)] for each in findings])
        put["status"]([each.status is WAIVED for each in findings])
        put["change"]([_CHANGED.get(id(each.change), 0) for each in findings])
        waivers = [each.waiver if each.status is WAIVED else None for each in findings]
        put["waiver"](self.texts["waiver"].numbers(waivers))
        put["department"](
            self.texts["department"].numbers(
                [str(told) if (told := each.evidence.get("department")) else None for each in findings]
            )
        )
        put["money"](self._worth(findings))
        put["action"]([actions.get(mark, 0) for mark in marks] if actions else [0] * len(marks))
        self._subjects(findings)
        self._said(findings, context)
        self._evidence(findings)

    def act(self, anchor: str, title: str) -> int:
        """Return the number of an action, from 1."""
        self.actions.append((anchor, visible(title)))
        return len(self.actions) - 1

    def _place(self, tenant: int, policy: str, context: Context) -> int:
        header = context.headers.get(policy)
        title = visible((header.title if header is not None else "") or policy)
        number, _ = self.policies.setdefault(policy, (len(self.policies), title))
        self.places.append((tenant, number, anchored("p", context.prefix or "fleet", policy)))
        return len(self.places) - 1

    def _subjects(self, findings: Sequence[Finding]) -> None:
        subjects = [each.subject for each in findings]
        keys = [(each.type, each.id) for each in subjects]
        first: dict[tuple[str, str], Finding] = {}
        for key, finding in zip(keys, findings, strict=True):
            first.setdefault(key, finding)
        known = dict(zip(first, count(len(self.people))))
        names = list(map(name_of, first.values()))
        addresses = list(map(address_of, first.values(), names))
        self.people += zip(self.texts["name"].numbers(names), self.texts["address"].numbers(addresses), strict=True)
        self.columns["who"] += map(known.__getitem__, keys)

    def _said(self, findings: Sequence[Finding], context: Context) -> None:
        none = ProductReference(sku_id=None, sku_part_number=None)
        products = [each.product or none for each in findings]
        keys = [
            (each.check, each.detail, each.subject.type is PRODUCT, product.sku_id, product.sku_part_number)
            for each, product in zip(findings, products, strict=True)
        ]
        first: dict[tuple[Hashable, ...], Finding] = {}
        for key, finding in zip(keys, findings, strict=True):
            first.setdefault(key, finding)
        whats = self.texts["what"].numbers([what(each, context) for each in first.values()])
        names = self.texts["product"].numbers([product_name(each, context.names) for each in first.values()])
        for column, numbers in (("what", whats), ("product", names)):
            self.columns[column] += map(dict(zip(first, numbers, strict=True)).__getitem__, keys)

    def _evidence(self, findings: Sequence[Finding]) -> None:
        for name, told in zip(EVIDENCE, self._telling.columns(findings), strict=True):
            self.columns[name] += self.texts[name].numbers(told)

    def _worth(self, findings: Sequence[Finding]) -> list[int]:
        """Return the number of each amount."""
        # A Decimal is dear to hash, and few stand for many findings: the objects themselves are told apart first.
        amounts = [each.money for each in findings]
        keys = [None if money is None else (money.currency, id(money.per_month)) for money in amounts]
        values = dict(zip(keys, amounts, strict=True))
        first = dict.fromkeys(keys)
        numbers = {
            key: 0 if (money := values[key]) is None else self._money((money.currency, money.per_month))
            for key in first
        }
        return list(map(numbers.__getitem__, keys))

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
        numbers.update(dict.fromkeys(marks, number))
    return numbers
