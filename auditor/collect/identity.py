"""Checks that a credential and Microsoft Graph belong to the tenant in the tenants file."""

from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.domain.settings import Tenant
from auditor.graph.auth.credentials import SignIn
from auditor.graph.auth.token_claims import TokenClaims, claims_of


async def checked_claims(tenant: Tenant, sign_in: SignIn) -> TokenClaims | None:
    """Sign in and return the claims of the token; None for an opaque token.

    Raises GraphError if the token is for another tenant.
    """
    claims = claims_of((await sign_in.get_token()).token)
    if claims is not None and claims.tenant_id is not None:
        check_tenant_id(claims.tenant_id, tenant.tenant_id)
    return claims


def check_tenant_id(actual: str, expected: str) -> None:
    """Raise GraphError if the tenant of Graph or of a token is not that of the tenants file."""
    if actual.lower() != expected:
        raise GraphError(
            "graph-wrong-tenant",
            Message("the credential is for the tenant {row}, not for {wanted}", row=actual[:40], wanted=expected),
            hint=Message("correct tenantId in the tenants file, or sign in to the right tenant"),
        )
