"""Signs in to tenants: credentials, tokens, and errors of Microsoft's sign-in service."""
