"""Renders verification.json (`auditor/verification/v1`)."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.result.model import Result
from auditor.domain.result.verification import FindingState, Verdict
from auditor.result.codec.encoder import TOOL, document, members

SCHEMA: Final = "auditor/verification/v1"


def render(result: Result) -> Iterable[bytes]:
    """Render the verification of the plans of a result; equal results give equal bytes."""
    verified = [(tenant, tenant.verification) for tenant in result.tenants if tenant.verification is not None]
    body = document(
        {
            "schema": SCHEMA,
            "tool": {"name": TOOL, "version": result.run.tool_version},
            "asOf": result.run.as_of,
            "policyDigest": result.run.policy_digest,
            "complete": result.complete,
            "summary": {
                "actions": {
                    verdict.value: sum(len(v.actions_with(verdict)) for _, v in verified) for verdict in Verdict
                },
                "findings": {state.value: sum(v.count(state) for _, v in verified) for state in FindingState},
            },
            "tenants": [
                {"name": tenant.name, "tenantId": tenant.tenant_id, "readAt": tenant.as_of, **members(verification)}
                for tenant, verification in verified
            ],
        }
    )
    return (body,)
