"""A real HTTP server that speaks Microsoft Graph's contract, with its sign-in service and a GitHub OIDC issuer."""
