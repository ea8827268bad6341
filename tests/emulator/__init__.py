"""An HTTP server that emulates Microsoft Graph v1.0, its sign-in service and a GitHub OIDC issuer."""
