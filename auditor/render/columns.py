"""Every finding of a Result into columns, each text once: what the page's table of all findings is drawn from."""

from base64 import b64encode
from collections.abc import Hashable
from decimal import Decimal
from typing import Any, Final
from zlib import MAX_WBITS, compressobj

from auditor.domain.result import Finding, Result, Subject
from auditor.domain.words import Change, Severity, Status
from auditor.render.evidence import described
from auditor.render.facts import product_name
from auditor.render.rows import Context, address_of, anchored, name_of, shortened, what
from auditor.render.view import Island
from auditor.render.visible import visible
from auditor.render.words import CHANGES, SEVERITIES, Words
from auditor.wording.checks import N_

_PLAIN: Final = 24_000
"""Bytes of columns that stand in the page as they are; more is compressed."""
_FAST: Final = 4_000_000
"""Bytes beyond which writing soon is worth more than a page that is a tenth smaller."""
_CHANGES: Final = (None, Change.NEW, Change.REOPENED)
_NONE: Final = -1


class Texts:
    """Gives each text a number, from 0, in the order in which they come."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """Return the number of a text; -1 for none."""
        if not text:
            return _NONE
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.known)
            self.known.append(visible(text, keep="\n"))
        return found


class Gathering:
    """Collects findings column by column; texts that many findings share are made once."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.rows: dict[str, list[int]] = {
            name: []
            for name in (
                *("place", "severity", "status", "change", "waiver"),
                *("who", "what", "product", "evidence", "money", "action"),
            )
        }
        self.fingerprints: list[str] = []
        self.texts = {name: Texts() for name in ("what", "evidence", "product", "department", "waiver")}
        self.tenants: list[tuple[str, str]] = []
        self.policies: dict[str, tuple[int, str]] = {}
        self.places: dict[tuple[int, str], tuple[int, int, str]] = {}
        self.people: dict[Hashable, int] = {}
        self.who: dict[str, list[Any]] = {"name": [], "address": [], "department": []}
        self.amounts: dict[tuple[str, Decimal], int] = {}
        self.money: list[tuple[str, float]] = []
        self.actions: list[tuple[str, str]] = []
        self._what: dict[Hashable, tuple[int, int]] = {}

    def tenant(self, title: str, context: Context, findings: tuple[Finding, ...], actions: dict[str, int]) -> None:
        """Take the findings of one tenant, or of the fleet."""
        number = len(self.tenants)
        self.tenants.append((anchored(context.prefix), visible(title)))
        numbers: dict[str, int] = {}
        put = {name: column.append for name, column in self.rows.items()}
        severities = {severity: place for place, severity in enumerate(Severity)}
        waivers, evidence = self.texts["waiver"], self.texts["evidence"]
        for finding in findings:
            place = numbers.get(finding.policy)
            if place is None:
                place = numbers[finding.policy] = self._place(number, finding.policy, context)
            said, product = self._said(number, finding, context)
            put["place"](place)
            put["severity"](severities[finding.severity])
            put["status"](int(finding.status is Status.WAIVED))
            put["change"](_CHANGES.index(finding.change) if finding.change in _CHANGES else 0)
            put["waiver"](waivers.number(finding.waiver if finding.status is Status.WAIVED else None))
            put["who"](self._person(number, finding))
            put["what"](said)
            put["product"](product)
            put["evidence"](evidence.number(shortened(described(finding, self.words))))
            put["money"](self._amount(finding))
            put["action"](actions.get(finding.fingerprint, _NONE))
            self.fingerprints.append(anchored(finding.fingerprint))

    def act(self, anchor: str, title: str) -> int:
        """Return the number of an action."""
        self.actions.append((anchor, visible(title)))
        return len(self.actions) - 1

    def _place(self, tenant: int, policy: str, context: Context) -> int:
        header = context.headers.get(policy)
        title = visible((header.title if header is not None else "") or policy)
        number, _ = self.policies.setdefault(policy, (len(self.policies), title))
        anchor = anchored("p", context.prefix or "fleet", policy)
        self.places[tenant, policy] = (tenant, number, anchor)
        return len(self.places) - 1

    def _person(self, tenant: int, finding: Finding) -> int:
        subject: Subject = finding.subject
        key = (tenant, subject.type, subject.id)
        found = self.people.get(key)
        if found is None:
            found = self.people[key] = len(self.people)
            name = name_of(finding)
            department = finding.evidence.get("department")
            self.who["name"].append(visible(shortened(name)))
            self.who["address"].append(visible(shortened(address_of(finding, name))))
            known = None if department is None else shortened(str(department))
            self.who["department"].append(self.texts["department"].number(known))
        return found

    def _said(self, tenant: int, finding: Finding, context: Context) -> tuple[int, int]:
        product = finding.product
        key: Hashable = (tenant, finding.check, finding.detail, finding.subject.type, product)
        found = self._what.get(key)
        if found is None:
            named = product_name(finding, context.names)
            found = self._what[key] = (
                self.texts["what"].number(shortened(what(finding, context))),
                self.texts["product"].number(None if named is None else shortened(named)),
            )
        return found

    def _amount(self, finding: Finding) -> int:
        if finding.money is None:
            return _NONE
        key = (finding.money.currency, finding.money.per_month)
        found = self.amounts.get(key)
        if found is None:
            found = self.amounts[key] = len(self.money)
            said = self.words.money(finding.money.per_month, finding.money.currency)
            self.money.append((visible(said), float(finding.money.per_month)))
        return found

    def document(self) -> dict[str, Any]:
        """Return everything that was collected, as plain JSON values."""
        return {
            "labels": {key: self.words.gettext(text) for key, text in _LABELS.items()},
            "severities": [(key.value, self.words.gettext(SEVERITIES[key])) for key in Severity],
            "changes": [("", "")]
            + [(key.value, self.words.gettext(CHANGES[key])) for key in _CHANGES if key is not None],
            "tenants": self.tenants,
            "policies": [(visible(policy), title) for policy, (_, title) in self.policies.items()],
            "places": list(self.places.values()),
            "who": self.who,
            "money": self.money,
            "actions": self.actions,
            **{name: texts.known for name, texts in self.texts.items()},
            "fingerprints": "\n".join(self.fingerprints),
            "rows": self.rows,
        }


_LABELS: Final = {
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


def island(result: Result, words: Words) -> Island:
    """Return the columns as they stand in the page: JSON, compressed where there is much of it."""
    import orjson  # noqa: PLC0415 - heavy

    gathering = Gathering(words)
    headers = {policy.id: policy for policy in result.run.policies}
    for tenant in result.tenants:
        actions: dict[str, int] = {}
        for action in tenant.actions:
            number = gathering.act(anchored("a", tenant.name, action.id), action.title)
            for mark in action.findings:
                actions.setdefault(mark, number)
        context = Context.of_tenant(tenant, headers, words)
        gathering.tenant(tenant.display_name or tenant.name, context, tenant.findings, actions)
    if result.fleet.findings:
        context = Context.of_fleet(result, headers, words)
        gathering.tenant(words.gettext("All tenants together"), context, result.fleet.findings, {})
    written = orjson.dumps(gathering.document())
    count = len(gathering.fingerprints)
    if len(written) <= _PLAIN:
        return Island(count=count, packed=False, text=_inert(written.decode()))
    return Island(count=count, packed=True, text=b64encode(_gzipped(written)).decode())


def _inert(text: str) -> str:
    """Return JSON that cannot end the element it stands in."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _gzipped(written: bytes) -> bytes:
    """Return it as gzip without a time in it: the same columns give the same bytes."""
    packing = compressobj(level=2 if len(written) > _FAST else 9, wbits=MAX_WBITS | 16)
    return packing.compress(written) + packing.flush()
