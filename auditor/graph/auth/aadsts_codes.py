"""Advice for the AADSTS error codes of Microsoft's sign-in service."""

import re

from auditor.domain.message import Message

_CODE = re.compile(r"AADSTS(\d{4,7})")

_ADVICE = {
    "50034": Message("the account does not exist in this tenant: check tenantId"),
    "50049": Message("the sign-in service does not know the tenant's instance: check cloud and tenantId"),
    "50055": Message("the password has expired: sign in with an application instead"),
    "50076": Message("the account needs a second factor: sign in with an application instead, or run `az login` again"),
    "53003": Message(
        "Conditional Access blocked the sign-in, for example because of its location: the sign-in logs in Entra name"
        " the policy, from which an administrator can exclude the account or application"
    ),
    "65001": Message("nobody consented to the application's permissions: run the commands of `auditor doctor`"),
    "70001": Message("the application does not exist in this tenant or is disabled: check clientId"),
    "70011": Message("the scope is not known in this cloud: check cloud"),
    "70021": Message("no federated credential matches the assertion: compare its subject, issuer and audience"),
    "90002": Message("the tenant does not exist in this cloud: check tenantId and cloud"),
    "900023": Message("tenantId is neither a tenant's id nor one of its domains"),
    "90027": Message("the tenant belongs to another cloud: check cloud"),
    "500011": Message("this tenant does not belong to this cloud: check cloud"),
    "500133": Message("the assertion is not valid now: check the clock of this machine"),
    "50020": Message("the account is not a member of this tenant: check tenantId"),
    "700016": Message(
        "the application does not exist in this tenant: check clientId and tenantId, and the consent there"
    ),
    "700021": Message("the assertion names another application: check clientId"),
    "700024": Message(
        "the assertion is outside its time window: check the clock, and use github-oidc, which renews it"
    ),
    "700027": Message(
        "the certificate is not registered with the application, or has expired: upload its public part there"
    ),
    "700030": Message("the certificate names another application: check clientId"),
    "700211": Message("no federated credential has the issuer https://token.actions.githubusercontent.com"),
    "700212": Message(
        "the assertion's audience is not the federated credential's: it is api://AzureADTokenExchange"
        " (api://AzureADTokenExchangeUSGov and …China in those clouds)"
    ),
    "700213": Message(
        "no federated credential has the assertion's subject: `auditor doctor` prints it in both of GitHub's"
        " forms (since July 2026 new repositories use the one with ids)"
    ),
    "700223": Message("the application's federated credential is restricted: check its conditions"),
    "700229": Message("only applications of this tenant may use federated credentials: check clientId"),
    "7000112": Message("the application is disabled in this tenant"),
    "7000114": Message("the application may not use this flow: make it a confidential client"),
    "7000215": Message("the secret is wrong: take its value, not its id, from the app registration"),
    "7000222": Message("the secret has expired: make a new one, or use github-oidc, which needs none"),
    "7000229": Message("the application has no service principal in this tenant: give consent there first"),
    "7000218": Message("the request had no secret: check the credential's type"),
}


def code_in(text: str) -> str | None:
    """Return the digits of the first AADSTS code in a text; None if there is none."""
    match = _CODE.search(text)
    return None if match is None else match.group(1)


def advice(code: str | None) -> Message | None:
    """Return the advice for a code; None for an unknown code."""
    return None if code is None else _ADVICE.get(code)
