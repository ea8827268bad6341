"""The check of `balance`: spare seats of one SKU over all tenants of a run, from what each tenant's result says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from auditor.catalogue import Catalogue
from auditor.domain.enums import Outcome, Source, SourceStatus, Status, SubjectType
from auditor.domain.policy import Balance, Bound, Policy, PolicySet, Waiver
from auditor.domain.product_set import ProductSet
from auditor.domain.result import (
    BalanceShare,
    Finding,
    FleetResult,
    Notice,
    PolicyOutcome,
    ProductReference,
    SeatCount,
    SourceLine,
    Subject,
    TenantResult,
)
from auditor.domain.waiver_share import WaiverShare
from auditor.engine.binding import BoundPolicies
from auditor.engine.coverage import unread
from auditor.engine.notices import unknown_waiver
from auditor.engine.outcome import fingerprint
from auditor.engine.skus.masks import ProductMasks
from auditor.engine.tenant_facts import SkuFact
from auditor.engine.unmatched_policies import no_match


def share_of(plan: BoundPolicies, policy: Policy, block: Balance) -> BalanceShare:
    """Tell which of a tenant's SKUs a balance policy looks at, so that a later merge needs no snapshot."""
    facts = plan.facts
    doubt = unread(facts, Source.SUBSCRIBED_SKUS)
    readable = facts.status(Source.SUBSCRIBED_SKUS) in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}
    mask = plan.masks.of(block.of)
    assignable = facts.assignable if readable else ()
    return BalanceShare(
        policy=policy.id,
        sku_ids=tuple(sorted(facts.skus[number].sku_id for number in assignable if mask.true[number])),
        doubtful=tuple(sorted(facts.skus[number].sku_id for number in assignable if mask.unknown[number])),
        reason=None if doubt is None else "; ".join(doubt.reasons),
        waivers=tuple(
            _waiver_share(plan, waiver, waiver.products)
            for _, waiver in plan.covering(policy)
            if waiver.products is not None and _of_fleet(waiver)
        ),
    )


def _waiver_share(plan: BoundPolicies, waiver: Waiver, products: ProductSet) -> WaiverShare:
    """Tell which of a tenant's SKUs a waiver is for."""
    mask, skus = plan.masks.of(products), plan.facts.skus
    owned = [number for number, sku in enumerate(skus) if sku.owned]
    return WaiverShare(
        waiver=waiver.id,
        sku_ids=tuple(sorted(skus[number].sku_id for number in owned if mask.true[number])),
        doubtful=tuple(sorted(skus[number].sku_id for number in owned if mask.unknown[number])),
    )


def _of_fleet(waiver: Waiver) -> bool:
    """Whether a waiver can be for a finding about the fleet: it names neither people nor single tenants."""
    return waiver.users is None and waiver.tenants is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """What product sets can be resolved by where no one tenant's facts apply."""

    catalogue: Catalogue
    policies: PolicySet
    subscriptions: Sequence[Mapping[str, Any]] = ()

    def status(self, source: Source) -> SourceStatus:  # noqa: ARG002  the signature of a tenant's facts
        """Say that nothing was read: the fleet has no subscriptions of its own."""
        return SourceStatus.NOT_NEEDED


@dataclass(slots=True)
class _Verdict:
    findings: list[Finding] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    """The SKUs that the policy looks at in some tenant."""
    doubtful: bool = False
    """Whether it may look at more."""
    reasons: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    """Waivers that match a finding, or may match one."""


def judge_fleet(
    policies: PolicySet, tenants: Sequence[TenantResult], catalogue: Catalogue, *, today: date
) -> tuple[FleetResult, frozenset[str]]:
    """Judge every balance policy over the tenants of a run; `today` decides which waivers still hold.

    Returns also the ids of the waivers that match a finding, or may match one.
    """
    outcomes: list[PolicyOutcome] = []
    findings: list[Finding] = []
    notices: list[Notice] = []
    touched: set[str] = set()
    fleet = _Fleet(catalogue=catalogue, policies=policies)
    live = [waiver for waiver in policies.waivers if today <= waiver.expires]
    for policy in policies.policies:
        if not isinstance(policy.constraint, Balance):
            continue
        judged = [tenant for tenant in tenants if policy.applies_to(tenant.name)]
        if not judged:
            continue
        verdict = _Verdict()
        if len(judged) > 1:
            _judge(policy, policy.constraint, judged, fleet, live, verdict)
        else:
            notices.append(
                Notice(
                    code="balance.single-tenant",
                    message=f"the policy {policy.id} compares tenants, and this run has only one of them",
                    subject=policy.id,
                )
            )
        findings.extend(verdict.findings)
        notices.extend(verdict.notices)
        touched |= verdict.touched
        outcome = _outcome(policy, verdict)
        outcomes.append(outcome)
        if len(judged) > 1 and outcome.judged == 0 and not verdict.doubtful:
            notices.append(no_match(policy.id, policy.constraint.of.written))
    order = {policy.id: policy for policy in policies.policies}
    findings.sort(key=lambda item: (item.severity.rank, item.policy, item.check, item.subject.id))
    outcomes.sort(key=lambda item: (order[item.id].severity.rank, item.id))
    told = tuple(dict.fromkeys(notices))
    return FleetResult(policies=tuple(outcomes), findings=tuple(findings), notices=told), frozenset(touched)


def _outcome(policy: Policy, verdict: _Verdict) -> PolicyOutcome:
    open_ = [finding for finding in verdict.findings if finding.status is Status.OPEN]
    status = Outcome.FAIL if open_ else Outcome.WAIVED if verdict.findings else Outcome.PASS
    reasons = list(dict.fromkeys(verdict.reasons))
    return PolicyOutcome(
        id=policy.id,
        status=Outcome.NOT_EVALUATED if reasons else status,
        findings=len(verdict.findings),
        reason="; ".join(reasons) or None,
        missing=("subscribedSkus",) if reasons else (),
        judged=None if reasons else len(verdict.judged),
    )


def _judge(
    policy: Policy,
    block: Balance,
    tenants: Sequence[TenantResult],
    fleet: _Fleet,
    waivers: Iterable[Waiver],
    verdict: _Verdict,
) -> None:
    shares = {tenant.name: _share(tenant, policy) for tenant in tenants}
    waiving = _Waiving(policy, tenants, shares, fleet, waivers)
    for tenant in tenants:
        share = shares[tenant.name]
        if share is None or share.reason is not None:
            reason = tenant.failure if share is None else share.reason
            verdict.reasons.append(f"{tenant.name}: {reason or 'its seats are not known'}")
        if share is not None:
            verdict.judged.update(share.sku_ids)
            verdict.doubtful |= bool(share.doubtful)
    scales: dict[str, _Scales] = {}
    for tenant in tenants:
        share = shares[tenant.name]
        for count in tenant.seats if share is not None else ():
            if share is not None and count.sku_id in {*share.sku_ids, *share.doubtful}:
                scale = scales.setdefault(count.sku_id, _Scales(count=count))
                scale.weigh(block, tenant, count, doubtful=count.sku_id in share.doubtful)
    for sku_id, scale in sorted(scales.items()):
        if scale.short and scale.excess:
            matching = waiving.matching(scale.count, verdict)
            verdict.findings.append(_finding(policy, block, sku_id, scale, matching))
        elif scale.may_be_short and scale.may_be_excess:
            verdict.reasons.extend(scale.reasons)


@dataclass(slots=True)
class _Scales:
    """Which tenants are short of one SKU and which have too many, certainly and at the most."""

    count: SeatCount
    short: list[Mapping[str, Any]] = field(default_factory=list)
    excess: list[Mapping[str, Any]] = field(default_factory=list)
    may_be_short: bool = False
    may_be_excess: bool = False
    reasons: list[str] = field(default_factory=list)

    def weigh(self, block: Balance, tenant: TenantResult, count: SeatCount, *, doubtful: bool) -> None:
        """Take in one tenant's seats."""
        unread_numbers = count.usable is None or count.consumed is None or count.spare is None
        if unread_numbers:
            self.reasons.append(f"{tenant.name}: Graph gave no seat numbers for {count.sku_part_number}")
        elif count.usable == 0 and count.consumed == 0:
            return
        short = _breaks(block.minimum, count, below=True)
        excess = _breaks(block.maximum, count, below=False)
        self.may_be_short |= short is not False
        self.may_be_excess |= excess is not False
        if doubtful:
            self.reasons.append(f"{tenant.name}: whether the policy looks at {count.sku_part_number} is not known")
            return
        if short:
            self.short.append(_line(tenant, count))
        if excess:
            self.excess.append(_line(tenant, count))


def _breaks(bound: Bound | None, count: SeatCount, *, below: bool) -> bool | None:
    """Whether the spare seats lie beyond a bound; None where Graph gave no numbers."""
    if bound is None:
        return False
    if count.usable is None or count.spare is None:
        return None
    limit = bound.reached(count.usable)
    return count.spare < limit if below else count.spare > limit


def _share(tenant: TenantResult, policy: Policy) -> BalanceShare | None:
    return next((share for share in tenant.balance if share.policy == policy.id), None)


def _line(tenant: TenantResult, count: SeatCount) -> Mapping[str, Any]:
    return {
        "tenant": tenant.name,
        "agreement": tenant.agreement.value,
        "usable": count.usable,
        "consumed": count.consumed,
        "spare": count.spare,
    }


def _finding(
    policy: Policy,
    block: Balance,
    sku_id: str,
    scale: _Scales,
    waiver: str | None,
) -> Finding:
    count = scale.count
    product = ProductReference(sku_id=sku_id, sku_part_number=count.sku_part_number)
    return Finding(
        fingerprint=fingerprint("", policy.id, "balance.imbalance", ("fleet", sku_id), sku_id, None),
        policy=policy.id,
        check="balance.imbalance",
        severity=policy.severity,
        status=Status.OPEN if waiver is None else Status.WAIVED,
        waiver=waiver,
        subject=Subject(type=SubjectType.FLEET, id=sku_id, name=count.name),
        product=product,
        evidence={
            "short": sorted(scale.short, key=lambda line: str(line["tenant"])),
            "excess": sorted(scale.excess, key=lambda line: str(line["tenant"])),
            "minimum": block.minimum.written if block.minimum else None,
            "maximum": block.maximum.written if block.maximum else None,
        },
        source=SourceLine(file=policy.span.file, line=policy.span.line),
    )


class _Waiving:
    """The waivers for one policy's findings about the fleet, and which SKUs of which tenant each of them is for."""

    def __init__(
        self,
        policy: Policy,
        tenants: Sequence[TenantResult],
        shares: Mapping[str, BalanceShare | None],
        fleet: _Fleet,
        waivers: Iterable[Waiver],
    ) -> None:
        self._fleet = fleet
        self._waivers = [waiver for waiver in waivers if _of_fleet(waiver) and waiver.covers(policy.id)]
        self._owned = {tenant.name: frozenset(count.sku_id for count in tenant.seats) for tenant in tenants}
        self._said = {
            (name, item.waiver): (frozenset(item.sku_ids), frozenset(item.doubtful))
            for name, share in shares.items()
            for item in (share.waivers or () if share is not None else ())
        }

    def matching(self, count: SeatCount, verdict: _Verdict) -> str | None:
        """Return the first waiver that is for a finding about a SKU; all that match, or may, are noted as touched."""
        found: str | None = None
        for waiver in self._waivers:
            answers = [
                self._contains(waiver, tenant, count) for tenant, own in self._owned.items() if count.sku_id in own
            ]
            if False in answers:
                continue
            verdict.touched.add(waiver.id)
            if None in answers:
                verdict.notices.append(unknown_waiver(waiver))
            elif found is None:
                found = waiver.id
        return found

    def _contains(self, waiver: Waiver, tenant: str, count: SeatCount) -> bool | None:
        """Tell whether a waiver is for a SKU of one tenant, by the products that the tenant itself shows."""
        if waiver.products is None:
            return True
        said = self._said.get((tenant, waiver.id))
        if said is None:  # the result of an earlier version, which told nothing of waivers
            return self._in_catalogue(waiver.products, count)
        return True if count.sku_id in said[0] else None if count.sku_id in said[1] else False

    def _in_catalogue(self, products: ProductSet, count: SeatCount) -> bool:
        product = self._fleet.catalogue.product(count.sku_id)
        sku = SkuFact(
            sku_id=count.sku_id,
            part_number=count.sku_part_number,
            owned=True,
            plans=None if product is None else {plan.id: plan.name for plan in product.plans},
        )
        return bool(ProductMasks(self._fleet, (sku,)).of(products).true[0])
