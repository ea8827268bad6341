"""Turns an AADSTS code of Microsoft's sign-in service into what to do about it."""

import re

_CODE = re.compile(r"AADSTS(\d{4,7})")

_ADVICE = {
    "50034": "the account does not exist in this tenant: check tenantId",
    "50049": "the sign-in service does not know the tenant's instance: check cloud and tenantId",
    "50055": "the password has expired: sign in with an application instead",
    "50076": "the account needs a second factor: sign in with an application instead, or run `az login` again",
    "53003": "a Conditional Access policy for workload identities blocks the application from this place",
    "65001": "nobody consented to the application's permissions: run the commands of `auditor doctor`",
    "70001": "the application does not exist in this tenant or is disabled: check clientId",
    "70011": "the scope is not known in this cloud: check cloud",
    "70021": "no federated credential matches the assertion: compare its subject, issuer and audience",
    "90002": "the tenant does not exist in this cloud: check tenantId and cloud",
    "900023": "tenantId is neither a tenant's id nor one of its domains",
    "90027": "the tenant belongs to another cloud: check cloud",
    "500011": "the cloud's Graph is unknown to this tenant: check cloud",
    "500133": "the assertion is not valid now: check the clock of this machine",
    "50020": "the account is not a member of this tenant: check tenantId",
    "700016": "the application does not exist in this tenant: check clientId and tenantId, and the consent there",
    "700021": "the assertion names another application: check clientId",
    "700024": "the assertion is outside its time window: check the clock, and use github-oidc, which renews it",
    "700027": "the certificate is not registered with the application, or has expired: upload its public part there",
    "700030": "the certificate names another application: check clientId",
    "700211": "no federated credential has the issuer https://token.actions.githubusercontent.com",
    "700212": "the assertion's audience is not the federated credential's: it is api://AzureADTokenExchange"
    " (api://AzureADTokenExchangeUSGov and …China in those clouds)",
    "700213": "no federated credential has the assertion's subject: `auditor doctor` prints it in both of GitHub's"
    " forms (since July 2026 new repositories use the one with ids)",
    "700223": "the application's federated credential is restricted: check its conditions",
    "700229": "only applications of this tenant may use federated credentials: check clientId",
    "7000112": "the application is disabled in this tenant",
    "7000114": "the application may not use this flow: make it a confidential client",
    "7000215": "the secret is wrong: take its value, not its id, from the app registration",
    "7000222": "the secret has expired: make a new one, or use github-oidc, which needs none",
    "7000229": "the application has no service principal in this tenant: give consent there first",
    "7000218": "the request carried no secret: check the credential's type",
}


def code_in(text: str) -> str | None:
    """Return the first AADSTS code of a text, without its letters."""
    found = _CODE.search(text)
    return None if found is None else found.group(1)


def advice(code: str | None) -> str | None:
    """Return what to do about a code; None where nothing is known."""
    return None if code is None else _ADVICE.get(code)
