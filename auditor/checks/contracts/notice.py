"""The last day to give notice of a contract is near."""

from collections.abc import Iterator

from auditor.checks.check import Detail, ObjectAction
from auditor.checks.contracts.terms import ContractCheck, contract_finding, within
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Contracts
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope


def _evaluate(scope: TenantScope, block: Contracts) -> Iterator[ObjectFinding]:
    assert block.notice is not None
    for contract in scope.bound.contracts:
        day = contract.last_notice_day
        if day is not None and within(scope, day, block.notice):
            yield contract_finding(scope, contract, money=None)


CHECK = ContractCheck(
    id="contract.notice",
    name=N_("last day to give notice is near"),
    explanation=N_("The last day to give notice of a contract is within the number of days set in the policy."),
    key="contracts: {notice}",
    is_enabled=lambda block: block.notice is not None,
    evaluate_tenant=_evaluate,
    detail=Detail.CONTRACT,
    action=lambda finding, _: ObjectAction(ActionKind.CONTRACT_NOTICE, text=finding.detail or ""),
)
