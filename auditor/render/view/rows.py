"""Builds the rows and lines of the page from findings, seats, outcomes and sources."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from re import sub
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.checks.registry import limits_spare
from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Change, Outcome, Severity, Status, SubjectType
from auditor.domain.result.finding import Finding, SourceLine
from auditor.domain.result.model import (
    PolicyHeader,
    Result,
    SeatCount,
    TenantResult,
)
from auditor.domain.result.purchases import RenewalPrice
from auditor.findings.display_names import detail_label, product_name
from auditor.render.text.evidence.evidence import (
    advice,
    advice_after_actions,
    evidence_text,
    limits,
    uncounted_grace_seats,
)
from auditor.render.text.evidence.facts import product_and_set_names, product_names
from auditor.render.text.labels import CHANGES, OUTCOMES, Labels
from auditor.render.text.sanitize import shortened
from auditor.render.view.model import ChangeLine, Row, SeatRow
from auditor.render.view.seat_chart import effective_bounds, seat_bar
from auditor.result.seats import spare_of

ROWS: Final = 200
"""Findings per policy that the page lists; the other files have all of them."""
_SEAT_SIGNS: Final = {
    ActionKind.BUY: 1,
    **dict.fromkeys((ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER), -1),
}
"""Kinds of action that specify a number of seats: 1 if they add seats, -1 if they remove them."""
_UNDECIDED: Final = frozenset({ActionKind.BOUNDS, ActionKind.TRIAL, ActionKind.STATE, ActionKind.EXPIRING})
"""Kinds of action about seats that resolve the finding only after somebody has made a decision."""


class Context(Struct, frozen=True, kw_only=True):
    """The data that all rows of one tenant need."""

    prefix: str
    """The name of the tenant, for anchors; empty for the fleet."""
    headers: Mapping[str, PolicyHeader]
    names: Mapping[str, str]
    """Names of products by casefolded skuId and part number, and of required sets of products as written."""
    l10n: Labels
    about_seats: Mapping[str, Finding]
    """skuId in lower case → the worst open finding about its seats."""
    uncounted_seats: Mapping[str, Finding] = field(default_factory=dict)
    """skuId in lower case → the worst finding about its seats that a waiver covers, or whose policy is report-only."""
    movements: Mapping[str, SeatMovement] = field(default_factory=dict)
    """skuId in lower case → the effect of the actions on its seats."""
    renewal_prices: Sequence[RenewalPrice] = ()
    """Prices of seats that change at a renewal."""
    numbers: Mapping[str, int] | None = None
    """skuId in lower case → seats to buy, negative to remove, or 0 if other actions of the tenant resolve the finding.

    None if no action has a rank, as in results of earlier versions, whose findings contain the number.
    """

    def header(self, policy: str) -> PolicyHeader:
        """Return the data of a policy; without texts if the result does not contain the policy."""
        if policy in self.headers:
            return self.headers[policy]
        source = SourceLine(file="", line=0)
        return PolicyHeader(
            id=policy, title="", severity=Severity.INFO, rationale="", owner="", tags=(), source=source, spec={}
        )

    def policy_title(self, policy: str) -> str:
        """Return the title of a policy, or its id if it has none."""
        return self.header(policy).title or policy

    @classmethod
    def of_tenant(
        cls,
        tenant: TenantResult,
        headers: Mapping[str, PolicyHeader],
        l10n: Labels,
        findings: Iterable[Finding] | None = None,
    ) -> "Context":
        """Return the context of a tenant; `findings` are the listed findings if not all are listed."""
        worst: dict[str, Finding] = {}
        uncounted: dict[str, Finding] = {}
        for finding in of_checks(tenant.findings if findings is None else findings, "seats."):
            sku = finding.product.sku_id if finding.product is not None else None
            if sku is not None:
                found = worst if finding.status is Status.OPEN else uncounted
                previous = found.get(sku.casefold())
                if previous is None or _sort_key(finding) < _sort_key(previous):
                    found[sku.casefold()] = finding
        return replace(cls.without_seats(tenant, headers, l10n), about_seats=worst, uncounted_seats=uncounted)

    @classmethod
    def without_seats(cls, tenant: TenantResult, headers: Mapping[str, PolicyHeader], l10n: Labels) -> "Context":
        """Return the context of a tenant without the findings about seats, for reports that show no seats."""
        names = product_and_set_names(tenant, l10n)
        prices = tenant.renewal_prices or ()
        return cls(prefix=tenant.name, headers=headers, names=names, l10n=l10n, about_seats={}, renewal_prices=prices)

    @classmethod
    def of_fleet(cls, result: Result, headers: Mapping[str, PolicyHeader], l10n: Labels) -> "Context":
        """Return the context of the fleet, with the names of the products of every tenant."""
        names: dict[str, str] = {}
        for tenant in reversed(result.tenants):
            names |= product_names(tenant)
        return cls(prefix="", headers=headers, names=names, l10n=l10n, about_seats={})


def names_seats(action: Action) -> bool:
    """Return whether an action specifies a number of seats."""
    return action.kind in _SEAT_SIGNS


def seat_numbers(
    actions: Sequence[Action],
    fixed_rows: Mapping[str, Sequence[int]],
    findings: Sequence[Finding],
    about_seats: Mapping[str, Finding],
) -> dict[str, int] | None:
    """Return the seats to buy, negative to remove, or 0 if other actions resolve the finding, by skuId.

    `fixed_rows` maps the id of an action to the indexes of the findings that it resolves, `about_seats` a skuId to the
    worst finding about the product. All skuIds are in lower case. Returns None for actions without ranks, as in results
    of earlier versions.
    """
    if not any(action.rank for action in actions):
        return None
    adjusted = {
        finding.fingerprint: sku
        for sku, finding in about_seats.items()
        if finding.evidence.get("adjust") and limits_spare(finding.check)
    }
    products = {
        row: adjusted[finding.fingerprint] for row, finding in enumerate(findings) if finding.fingerprint in adjusted
    }
    numbers: dict[str, int] = {}
    for action in actions:
        if action.kind not in _UNDECIDED:
            numbers |= {products[row]: 0 for row in fixed_rows.get(action.id, ()) if row in products}
    counts: dict[int, int] = {}
    for action in filter(names_seats, actions):
        counts |= dict.fromkeys(fixed_rows[action.id], _SEAT_SIGNS[ActionKind(action.kind)] * action.count)
    for row, number in sorted(counts.items()):
        product = findings[row].product
        if findings[row].check.startswith("seats.") and product is not None and product.sku_id is not None:
            numbers[product.sku_id.casefold()] = number
    return numbers


def _sort_key(finding: Finding) -> tuple[int, bool]:
    """Return the sort key of findings about the same seats: the worst first, those about spare seats before others."""
    return finding.severity.rank, not limits_spare(finding.check)


def of_checks(findings: Iterable[Finding], prefix: str) -> list[Finding]:
    """Return the findings of the checks whose names start with `prefix`."""
    return [finding for finding in findings if finding.check.startswith(prefix)]


def anchor(*parts: str) -> str:
    """Return an HTML id that consists of letters, digits and hyphens."""
    joined = "".join(parts)
    if joined.isascii() and joined.isalnum():
        return "-".join(filter(None, parts))  # fast path: there can be a million fingerprints
    return "-".join(map(_slug, filter(None, parts)))


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    return sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def policy_anchor(tenant: str, policy: str) -> str:
    """Return the HTML id of the findings of a policy in a tenant, or in the fleet if `tenant` is empty.

    Both can contain hyphens: joined by one, (`contoso-e3`, `spare`) and (`contoso`, `e3-spare`) would be the same.
    """
    return f"{anchor('p', tenant or 'fleet')}_{anchor(policy)}"


def row(finding: Finding, context: Context) -> Row:
    """Return one finding as a row."""
    l10n = context.l10n
    name = subject_label(finding)
    return Row(
        anchor=anchor("f", finding.fingerprint),
        name=shortened(name),
        address=shortened(subject_address(finding, name)),
        problem=shortened(problem(finding, context)),
        evidence=shortened(evidence_text(finding, l10n)),
        money=l10n.amount(finding.money),
        waiver=finding.waiver if finding.status is Status.WAIVED else None,
        change=None if finding.change is Change.UNCHANGED else finding.change,
    )


def subject_label(finding: Finding) -> str:
    """Return the human-readable name of the subject of a finding."""
    return finding.subject.name or str(finding.evidence.get("userPrincipalName") or "") or finding.subject.id


def subject_address(finding: Finding, name: str) -> str:
    """Return the text that distinguishes the subject from others of the same name; empty if it equals the name."""
    address = finding.evidence.get("userPrincipalName")
    if address is not None and str(address) != name:
        return str(address)
    if finding.subject.type is SubjectType.PRODUCT and finding.product is not None:
        return finding.product.sku_part_number or ""
    return "" if finding.subject.id == name else finding.subject.id


def problem(finding: Finding, context: Context) -> str:
    """Return what is wrong: the product or detail, and the name of the check."""
    problem_text = context.l10n.check(finding.check)
    product = product_name(finding.product, context.names) if finding.subject.type is not SubjectType.PRODUCT else None
    detail = finding.detail and detail_label(finding.check, finding.detail, context.names, context.l10n)
    parts = [part for part in (product, detail) if part]
    return f"{' · '.join(parts)}: {problem_text}" if parts else problem_text


def change_lines(
    findings: Iterable[Finding], fixed: Iterable[Finding], context: Context, limit: int
) -> tuple[tuple[ChangeLine, ...], int]:
    """Return lines about reopened, new and fixed findings, the worst first, and the number of those beyond `limit`.

    Waived findings are left out.
    """
    l10n = context.l10n
    changed = [
        (0 if finding.change is Change.REOPENED else 1, finding)
        for finding in findings
        if (finding.change is Change.NEW or finding.change is Change.REOPENED) and finding.status is Status.OPEN
    ]
    changed += [(2, finding) for finding in fixed if finding.status is Status.OPEN]
    changed.sort(key=lambda item: (item[0], item[1].severity.rank))
    labels = (l10n.gettext(CHANGES[Change.REOPENED]), l10n.gettext(CHANGES[Change.NEW]), l10n.gettext("fixed"))
    rows = tuple(
        ChangeLine(
            change=labels[order],
            text=sentence(finding, context),
            anchor=None if order == 2 else anchor("f", finding.fingerprint),
        )
        for order, finding in changed[:limit]
    )
    return rows, len(changed) - len(rows)


def sentence(finding: Finding, context: Context) -> str:
    """Return a finding in one line: its subject, and what is wrong."""
    return f"{shortened(subject_label(finding))} — {shortened(problem(finding, context))}"


def seat_row(seats: SeatCount, context: Context) -> SeatRow:
    """Return one product's seats, with the bounds of the finding about them, or else the tightest of all policies."""
    l10n = context.l10n
    finding = context.about_seats.get(seats.sku_id.casefold())
    facts = effective_bounds(seats) if finding is None else _all_bounds(finding.evidence, seats)
    state = _uncounted(seats, context) if finding is None else l10n.check(finding.check)
    if finding is not None and uncounted_grace_seats(facts):
        state = l10n.gettext("{state} (seats in grace period not counted)", state=state)
    return SeatRow(
        name=shortened(seats.name or seats.sku_part_number or seats.sku_id),
        part_number=shortened(seats.sku_part_number),
        usable=l10n.number(seats.usable),
        consumed=l10n.number(seats.consumed),
        spare=l10n.number(spare_of(seats)),
        spare_text=l10n.spare(spare_of(seats)),
        seat_bar=seat_bar(usable=seats.usable, consumed=seats.consumed, warning=seats.warning, facts=facts),
        severity=None if finding is None else finding.severity,
        state=state,
        limits=limits(facts, l10n),
        advice=_seat_advice(seats, facts.get("adjust"), context),
    )


def _uncounted(seats: SeatCount, context: Context) -> str:
    """Return the check and status of a finding that does not count, as in "too few spare, waived"; empty if none."""
    finding = context.uncounted_seats.get(seats.sku_id.casefold())
    if finding is None:
        return ""
    status = context.l10n.gettext(OUTCOMES[Outcome(finding.status.value)])
    return context.l10n.joined((context.l10n.check(finding.check), status))


def _all_bounds(facts: Mapping[str, Any], seats: SeatCount) -> Mapping[str, Any]:
    """Return facts about spare seats with the bound of other policies that the policy of the finding does not have.

    The number of seats to buy or remove satisfies all of them.
    """
    if {"minimum", "maximum"}.isdisjoint(facts) or not {"assigned", "purchased"}.isdisjoint(facts):
        return facts
    return {**facts, **{name: bound for name, bound in effective_bounds(seats).items() if facts.get(name) is None}}


def _seat_advice(seats: SeatCount, adjust: object, context: Context) -> str:
    """Return how many seats to buy or remove; for results without ranked actions, `adjust` is the finding's number."""
    l10n = context.l10n
    change = adjust if context.numbers is None else context.numbers.get(seats.sku_id.casefold())
    if type(change) is not int or (change == 0 and context.numbers is None):
        return ""
    moved = context.movements.get(seats.sku_id.casefold())
    if moved is not None and (moved.freed or moved.given):
        return advice_after_actions(change, moved, l10n)
    return advice(change, l10n) if change else l10n.gettext("other actions resolve this")
