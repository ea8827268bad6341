"""A finding and its tenant's result into the Situation by which Microsoft's guidance is chosen."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from auditor.catalogue import builtin
from auditor.checks.check import Correction, Detail
from auditor.checks.registry import articles_of, check_of, correction_of
from auditor.domain.enums import Source, Status, SubjectType
from auditor.domain.policy.model import Assignments, Policy, PolicySet, Seats
from auditor.domain.policy.prices import SeatPrice, SeatPrices, seat_prices
from auditor.domain.policy.selector import HasRole, InactiveFor, NeverSignedIn, Selector, entails
from auditor.domain.result.model import Coverage, Finding, SeatCount, TenantResult
from auditor.findings.facts import FACTS
from auditor.guidance import Situation
from auditor.guidance.routing import account_facts
from auditor.remedy.actions.subscription_terms import day_of
from auditor.remedy.labels import owned_of, product_labels
from auditor.remedy.product_kinds import same_kind

_ABSENT = (InactiveFor, NeverSignedIn)
ACTIVE = frozenset({"Active", "ActiveWithError"})
_QUOTED = ("accountEnabled", "userType", "mailboxType", "onPremisesSyncEnabled", "isTrial", "status")
"""What situations take from evidence, besides the paths."""
_INDICES = tuple(map(FACTS.index, _QUOTED))


@dataclass(frozen=True, slots=True)
class RoutedFinding:
    """The situation of a finding, and the id of the documented article that fixes it there."""

    situation: Situation
    article: str


class ProductFacts(NamedTuple):
    """What situations take from a product."""

    status: str | None = None
    """capabilityStatus."""
    self_service: bool | None = None
    """Whether people buy it for themselves, by Microsoft's own endings: `_DEPT`, viral trials, `_IW`."""
    is_trial: bool | None = None
    """Whether all of its subscriptions are trials."""


@dataclass(frozen=True, slots=True)
class RemediationContext:
    """What the findings of one tenant say of each other, gathered once."""

    tenant: TenantResult
    findings: Sequence[Finding]
    """Those that are looked at."""
    policies: Mapping[str, Policy]
    today: date
    """The day of the audit, in UTC; the state may have been read before it."""
    prices: SeatPrices | None
    missing: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → what the policy asks for and the user lacks, as it is written."""
    unwanted: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → skuIds of products that the user should not hold by the policy."""
    asked: frozenset[str]
    """The user properties that were asked for."""
    states: Mapping[str, str | None]
    """SkuId and casefolded part number → capabilityStatus."""
    seats: Mapping[str, SeatCount]
    """By skuId."""
    skus: Mapping[str, str]
    """Casefolded skuId and part number → skuId."""
    labels: Mapping[str, str]
    """Casefolded skuId and part number → what people call the product."""
    held: Mapping[str, str]
    """SkuId → part number, of products that findings name."""
    pools: Mapping[str, str]
    """Set of products as a policy writes it → the names of its products, of the pools that findings are about."""
    absent: frozenset[str]
    """Policies for people who are inactive or never came at all."""
    newcomers: frozenset[str]
    """Policies for people who never signed in."""
    administrators: frozenset[str]
    """Policies for people who have a directory role."""
    situated: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    """What was worked out already: most findings are in the situation of another."""
    routes: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    """The same by the columns of findings."""
    facts: dict[str | None, Hashable] = field(default_factory=dict)
    """What situations take from the facts of findings, by their JSON."""
    paths: dict[str | None, Hashable] = field(default_factory=dict)
    """How assignment paths reach a user, by their JSON."""
    products: dict[tuple[object, ...], Hashable] = field(default_factory=dict)
    """What situations take from products, by the columns that name them."""
    chosen: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(policy, product as it is written) → the skuIds that it stands for, as far as somebody asked."""

    def of(self, findings: Sequence[Finding]) -> "RemediationContext":
        """Return the same about other findings, all about the same subjects."""
        open_ = [finding for finding in findings if finding.status is Status.OPEN]
        named = [(item.sku_id, item.sku_part_number) for each in findings if (item := each.product) is not None]
        return replace(
            self,
            findings=findings,
            missing=_products(open_, Correction.ASSIGN),
            unwanted=_products(open_, Correction.REPLACE),
            held={sku_id: part_number for sku_id, part_number in reversed(named) if sku_id and part_number},
            pools={each.subject.id: each.subject.name for each in findings if each.subject.type is SubjectType.PRODUCT},
        )

    def choices(self, policy: str, written: str) -> tuple[str, ...]:
        """Return the skuIds that a product of a policy's `require` stands for: of a set, those that have seats."""
        found = self.chosen.get((policy, written))
        if found is None:
            found = self.chosen[policy, written] = _choices(self, policy, written)
        return found

    def population(self, policy: str) -> tuple[bool, bool, bool]:
        """Return whether everybody whom a policy is about is inactive, never signed in, an administrator."""
        return policy in self.absent, policy in self.newcomers, policy in self.administrators

    def product_facts(self, sku_id: str | None, part_number: str | None) -> ProductFacts:
        """Return what situations take from a product."""
        part, own = (part_number or "").upper(), (sku_id or "").casefold()
        trials = [each.is_trial for each in self.tenant.subscriptions if each.sku_id.casefold() == own]
        return ProductFacts(
            status=self.states.get((sku_id or part_number or "").casefold()),
            self_service=True if part.endswith(("_DEPT", "_VIRAL", "_IW")) or "_VIRAL_" in part else None,
            is_trial=True if trials and all(trials) else None,
        )

    def replaces(self, policy: str, written: str, sku_id: str) -> bool:
        """Whether what a policy asks for is of the same kind as a product that it speaks against."""
        return any(same_kind(sku_id, new) for new in self.choices(policy, written))


def circumstances(
    tenant: TenantResult, policies: PolicySet, findings: Sequence[Finding] | None = None
) -> RemediationContext:
    """Gather what the situations of a tenant's findings depend on.

    `findings` are those that are looked at, all about the same subjects; without them it is all of the tenant's.
    """
    named = [(seat, [name.casefold() for name in (seat.sku_id, seat.sku_part_number) if name]) for seat in tenant.seats]
    today = policies.day or day_of(tenant.as_of)
    known = RemediationContext(
        tenant=tenant,
        findings=(),
        policies={policy.id: policy for policy in policies.policies},
        today=today,
        prices=_prices(tenant, policies, today),
        missing={},
        unwanted={},
        asked=_asked(tenant.sources),
        states={name: seat.capability_status for seat, names in named for name in names},
        # Where two seats share a name, the first stands for it.
        seats={seat.sku_id: seat for seat in reversed(tenant.seats)},
        skus={name: seat.sku_id for seat, names in reversed(named) for name in names},
        labels=product_labels(tenant.seats, policies.policies),
        held={},
        pools={},
        absent=frozenset(policy.id for policy in policies.policies if _implied(policy.users, *_ABSENT)),
        newcomers=frozenset(policy.id for policy in policies.policies if _implied(policy.users, NeverSignedIn)),
        administrators=frozenset(policy.id for policy in policies.policies if _implied(policy.users, HasRole)),
    )
    return known.of(tenant.findings if findings is None else findings)


def _prices(tenant: TenantResult, policies: PolicySet, today: date) -> SeatPrices | None:
    """Return what seats cost on the day of the audit; the tenant's result shows what contracts make of it."""
    agreed = {
        price.sku_id: SeatPrice(amount=None if price.money is None else price.money.per_month, starts=date.min)
        for price in tenant.contract_prices or ()
    }
    return seat_prices(policies.prices, policies.currency, today, agreed)


def situated(finding: Finding, known: RemediationContext) -> RoutedFinding:
    """Return what is known of a finding's subject, product and tenant; what was not collected stays None.

    Findings in equal situations get the same object.
    """
    facts = _facts(finding, known)
    found = known.situated.get(facts)
    if found is None:
        situation = _situation(finding, known)
        found = known.situated[facts] = RoutedFinding(situation, articles_of(finding.check, situation)[0])
    return found


def situations_of(known: RemediationContext) -> list[RoutedFinding]:
    """Return in which situation each finding of the tenant is, in their order."""
    return [situated(finding, known) for finding in known.findings]


def _facts(finding: Finding, known: RemediationContext) -> tuple[object, ...]:
    """Return everything of a finding on which its situation depends."""
    product, kind = finding.product, finding.subject.type
    return (
        known.population(finding.policy),
        finding.check,
        situating(finding.detail) if situates(finding.check) else None,
        product and known.product_facts(product.sku_id, product.sku_part_number),
        kind is SubjectType.USER,
        kind is SubjectType.SUBSCRIPTION,
        path_of(finding),
        replacement(finding, known),
        quoted_facts([finding.evidence.get(name) for name in FACTS]),
    )


def situates(check: str) -> bool:
    """Whether a situation depends on the detail of the findings of a check."""
    return check_of(check).detail in {Detail.ERROR, Detail.PROPERTY}


def situating(detail: str | None) -> str | None:
    """Return what situations take from a detail: which group gives a product that is in error does not matter."""
    code, at_sign, _ = (detail or "").partition("@")
    return code + at_sign if at_sign else detail


def quoted_facts(facts: Sequence[Any] | None) -> tuple[bool | str | None, ...]:
    """Return what situations take from the values of `auditor.findings.columns.FACTS`."""
    enabled, kind, mailbox, synced, trial, status = [None if facts is None else facts[index] for index in _INDICES]
    return (*_account(enabled, kind, mailbox), _flag(synced), _flag(trial), _text(status))


def _account(enabled: Any, kind: Any, mailbox: Any) -> tuple[bool | None, str | None, str | None]:
    return account_facts(account_enabled=_flag(enabled), user_type=_text(kind), mailbox_type=_text(mailbox))


def _situation(finding: Finding, known: RemediationContext) -> Situation:
    tenant, check, named = known.tenant, check_of(finding.check), finding.product
    product = ProductFacts() if named is None else known.product_facts(named.sku_id, named.sku_part_number)
    is_trial = _flag(finding.evidence.get("isTrial"))
    if is_trial is None and check.block is Seats:
        is_trial = product.is_trial
    of_subscription = finding.subject.type is SubjectType.SUBSCRIPTION
    return Situation(
        agreement=tenant.agreement,
        cloud=tenant.cloud,
        path=path_of(finding),
        self_service=product.self_service,
        error_code=situating(finding.detail) if check.detail is Detail.ERROR else None,
        attribute=finding.detail if check.detail is Detail.PROPERTY else None,
        status=_text(finding.evidence.get("status")) if of_subscription else product.status,
        is_trial=True if check.of_trials else is_trial,
        replacement_required=replacement(finding, known),
        **(_person(finding, known) if finding.subject.type is SubjectType.USER else {}),
    )


def path_of(finding: Finding) -> str | None:
    """Tell how the product of a finding reaches the user: `direct`, `group`, `both`, or None where nobody knows."""
    if check_of(finding.check).detail is Detail.ERROR:
        return "group" if "@" in (finding.detail or "") else "direct"
    return path_kind_of(finding.evidence.get("paths"))


def path_kind_of(paths: Sequence[Mapping[str, Any]] | None) -> str | None:
    """Tell how assignment paths reach a user: `direct`, `group`, `both`, or None where none of them is active."""
    kind = None
    for path in paths or ():
        if path.get("state") in ACTIVE:
            other = "group" if path.get("assignedByGroup") else "direct"
            if kind is not None and other != kind:
                return "both"
            kind = other
    return kind


def _implied(selector: Selector, *kinds: type[InactiveFor | NeverSignedIn | HasRole]) -> bool:
    """Whether one of these tests certainly holds of everyone of the population."""
    return entails(selector, lambda atom: isinstance(atom, kinds))


def _person(finding: Finding, known: RemediationContext) -> dict[str, Any]:
    evidence = finding.evidence
    synced = _flag(evidence.get("onPremisesSyncEnabled"))
    inactive, newcomers, administrators = known.population(finding.policy)
    enabled, kind, mailbox = _account(*map(evidence.get, ("accountEnabled", "userType", "mailboxType")))
    if synced is None and "onPremisesSyncEnabled" in known.asked:
        synced = False  # Graph leaves it out for accounts that live in the cloud.
    return {
        "account_enabled": enabled,
        "user_type": kind,
        "mailbox_type": mailbox,
        "on_premises_synced": synced,
        "inactive": inactive or None,
        "never_signed_in": newcomers or None,
        "directory_role": administrators or None,
    }


def replacement(finding: Finding, known: RemediationContext) -> bool | None:
    """Whether a product of the same kind is to come in place of one that should go."""
    correction = correction_of(finding)
    if correction is not Correction.REPLACE and correction is not Correction.ASSIGN:
        return None
    key, product = (finding.policy, finding.subject.id), finding.product
    if product is None:
        return None
    if correction is Correction.REPLACE:
        pairs = [(written, product.sku_id or "") for written in known.missing.get(key, ())]
    else:
        pairs = [(product.sku_part_number or "", old) for old in known.unwanted.get(key, ())]
    return True if any(known.replaces(finding.policy, written, old) for written, old in pairs) else None


def _choices(known: RemediationContext, policy: str, written: str) -> tuple[str, ...]:
    sku_id = known.skus.get(written.casefold())
    if sku_id is not None:
        return (sku_id,)
    named = tuple(product.sku_id for product in builtin().by_part_number(written))
    rule = known.policies.get(policy)
    if named or rule is None or not isinstance(rule.constraint, Assignments):
        return named
    sets = [element for element in rule.constraint.require if element.written == written]
    return tuple(dict.fromkeys(seat.sku_id for element in sets for seat in owned_of(element, known.tenant.seats)))


def _products(findings: Iterable[Finding], correction: Correction) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (policy, user) → the products that findings with this correction are about."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for finding in findings:
        if correction_of(finding) is correction and (product := finding.product) is not None:
            key = finding.policy, finding.subject.id
            found[key] = (*found.get(key, ()), product.sku_id or product.sku_part_number or "")
    return found


def _asked(sources: Iterable[Coverage]) -> frozenset[str]:
    return frozenset(name for source in sources if source.name is Source.USERS for name in source.asked)


def _flag(value: Any) -> bool | None:
    # 1 must not pass for true.
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
