"""The last day to give notice of a contract is near."""

from collections.abc import Iterator

from auditor.checks.check import Check, Detail, ObjectAction
from auditor.checks.contracts.terms import (
    contract_extent,
    contract_finding,
    contract_routes,
    tenant_contracts,
    within,
)
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Contracts
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Situation


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.CONTRACT_NOTICE, text=finding.detail or "")


def _judge(scope: TenantScope, block: Contracts) -> Iterator[ObjectFinding]:
    if block.notice is None:
        return
    for contract in tenant_contracts(scope.bound):
        day = contract.last_notice_day
        if day is not None and within(scope, day, block.notice):
            yield contract_finding(scope, contract, money=None)


CHECK = Check(
    id="contract.notice",
    name=N_("last day to give notice is near"),
    explanation=N_("The last day to give notice of a contract lies within the days that the policy names."),
    block=Contracts,
    key="contracts: {notice}",
    subject=SubjectType.PRODUCT,
    once_per=N_("contract of the tenant"),
    asked=lambda block: block.notice is not None,
    judge_tenant=_judge,
    extent=contract_extent,
    detail=Detail.CONTRACT,
    routes=contract_routes,
    action=_action,
)
