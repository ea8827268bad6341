"""Evaluates policies that compare the tenants of a run, from the results of these tenants."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from auditor.catalogue import Catalogue
from auditor.domain.enums import Status, SubjectType
from auditor.domain.message import Message, joined
from auditor.domain.policy.model import Balance, Policy, PolicySet, Waiver
from auditor.domain.reasons import by_reason, tenant_list
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.domain.result.model import BalanceShare, FleetResult, Notice, PolicyOutcome, SeatCount, TenantResult
from auditor.engine.notices import unknown_waiver
from auditor.engine.outcome import fingerprint, policy_outcome, unwaived_status
from auditor.engine.policy.unmatched_policies import no_match
from auditor.engine.policy_index import Checks, rules_of
from auditor.engine.skus.masks import surely_contains


def waives_fleet(waiver: Waiver) -> bool:
    """Whether a waiver can match a finding about the fleet: it names neither people nor single tenants."""
    return waiver.users is None and waiver.tenants is None


class FleetScope(Struct, kw_only=True, dict=True):
    """One policy over the tenants of a run; the check adds its outcome."""

    catalogue: Catalogue
    policies: PolicySet
    policy: Policy
    tenants: Sequence[TenantResult]
    shares: Mapping[str, BalanceShare | None]
    """Tenant → which of its SKUs the policy evaluates; None if the tenant could not be read."""
    waivers: Sequence[Waiver]
    """The waivers that have not expired and can match a finding of the policy."""
    judged: set[str] = field(default_factory=set)
    """The SKUs that the policy evaluates in at least one tenant."""
    doubtful: bool = False
    """Whether the policy may apply to more SKUs than `judged`."""
    reasons: list[tuple[str, Message]] = field(default_factory=list)
    """The titles of tenants because of which the outcome is unknown, each with a reason."""
    notices: list[Notice] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    """Ids of the waivers that match a finding, or may match one."""

    def finding(self, check: str, count: SeatCount, evidence: Mapping[str, Any]) -> Finding:
        """Return a finding about a SKU over all tenants, and record the waivers that match it."""
        waiver = self._first_waiver(count)
        return Finding(
            fingerprint=fingerprint("", self.policy.id, check, ("fleet", count.sku_id), count.sku_id, None),
            policy=self.policy.id,
            check=check,
            severity=self.policy.severity,
            status=unwaived_status(self.policy) if waiver is None else Status.WAIVED,
            waiver=waiver,
            subject=Subject(type=SubjectType.FLEET, id=count.sku_id, name=count.name),
            product=ProductReference(sku_id=count.sku_id, sku_part_number=count.sku_part_number),
            evidence=evidence,
            source=SourceLine(file=self.policy.span.file, line=self.policy.span.line),
        )

    @cached_property
    def _owned(self) -> Mapping[str, frozenset[str]]:
        """Tenant → the skuIds that it owns."""
        return {tenant.name: frozenset(count.sku_id for count in tenant.seats) for tenant in self.tenants}

    @cached_property
    def _waived(self) -> Mapping[tuple[str, str], tuple[frozenset[str], frozenset[str]]]:
        """Tenant and waiver → the SKUs that the waiver covers, certainly and possibly."""
        return {
            (name, item.waiver): (frozenset(item.sku_ids), frozenset(item.doubtful))
            for name, share in self.shares.items()
            for item in (share.waivers or () if share is not None else ())
        }

    def _first_waiver(self, count: SeatCount) -> str | None:
        """Return the id of the first waiver that covers a SKU; add all that do, or may, to `touched`."""
        waiver_id: str | None = None
        for waiver in self.waivers:
            matches = [
                self._covers(waiver, tenant, count) for tenant, owned in self._owned.items() if count.sku_id in owned
            ]
            if False in matches:
                continue
            self.touched.add(waiver.id)
            if None in matches:
                self.notices.append(unknown_waiver(waiver))
            elif waiver_id is None:
                waiver_id = waiver.id
        return waiver_id

    def _covers(self, waiver: Waiver, tenant: str, count: SeatCount) -> bool | None:
        """Return whether a waiver covers a SKU of one tenant, by the tenant's own products; None if unknown."""
        if waiver.products is None:
            return True
        waived = self._waived.get((tenant, waiver.id))
        if waived is None:  # the result of an earlier version, which does not list waivers
            return surely_contains(self.catalogue, self.policies, waiver.products, count.sku_id, count.sku_part_number)
        return True if count.sku_id in waived[0] else None if count.sku_id in waived[1] else False


def evaluate_fleet(
    policies: PolicySet, tenants: Sequence[TenantResult], catalogue: Catalogue, checks: Checks, *, today: date
) -> tuple[FleetResult, list[Finding], frozenset[str]]:
    """Evaluate every policy about the fleet over the tenants of a run; `today` decides which waivers have expired.

    Returns the fleet without its findings, the findings in report order, and the ids of the waivers that match a
    finding, or may match one.
    """
    outcomes: list[PolicyOutcome] = []
    findings: list[Finding] = []
    notices: list[Notice] = []
    touched: set[str] = set()
    rules = rules_of(policies, checks)
    live = [waiver for waiver in policies.waivers if today <= waiver.expires and waives_fleet(waiver)]
    for policy in policies.policies:
        applicable = [tenant for tenant in tenants if policy.applies_to(tenant.name)]
        if not applicable or not rules.evaluates_fleet(policy):
            continue
        shares = {tenant.name: _share(tenant, policy) for tenant in applicable}
        waivers = [waiver for waiver in live if waiver.covers(policy.id)]
        scope = FleetScope(
            catalogue=catalogue, policies=policies, policy=policy, tenants=applicable, shares=shares, waivers=waivers
        )
        policy_findings: list[Finding] = []
        if len(applicable) > 1:
            for check in rules.checks(policy):
                policy_findings.extend(
                    check.evaluate_fleet(scope, policy.constraint) if check.evaluate_fleet is not None else ()
                )
        else:
            message = Message(
                "the policy {policy} compares tenants, and this run has only one of them", policy=policy.id
            )
            notices.append(Notice(code="balance.single-tenant", message=message, subject=policy.id))
        findings.extend(policy_findings)
        notices.extend(scope.notices)
        touched |= scope.touched
        outcome = _outcome(policy, scope, policy_findings)
        outcomes.append(outcome)
        unmatched = len(applicable) > 1 and outcome.judged == 0 and not scope.doubtful
        if unmatched and isinstance(policy.constraint, Balance):
            notices.append(no_match(policy.id, policy.constraint.of))
    findings.sort(key=lambda item: (item.severity.rank, item.policy, item.check, item.subject.id))
    ranks = {policy.id: policy.severity.rank for policy in policies.policies}
    outcomes.sort(key=lambda item: (ranks[item.id], item.id))
    distinct = tuple(dict.fromkeys(notices))
    return FleetResult(policies=tuple(outcomes), notices=distinct), findings, frozenset(touched)


def _share(tenant: TenantResult, policy: Policy) -> BalanceShare | None:
    return next((share for share in tenant.balance if share.policy == policy.id), None)


def _outcome(policy: Policy, scope: FleetScope, findings: Sequence[Finding]) -> PolicyOutcome:
    open_ = sum(finding.status is not Status.WAIVED for finding in findings)
    named = by_reason(dict.fromkeys(scope.reasons))
    reasons = [joined(": ", (tenant_list(titles), reason)) for reason, titles in named.items()]
    missing, judged = (("subscribedSkus",), None) if reasons else ((), len(scope.judged))
    reason = joined("; ", reasons) or None
    return policy_outcome(policy, len(findings), open_, reason=reason, missing=missing, judged=judged)
