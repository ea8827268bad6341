"""Signs in: credentials, tokens, and what Microsoft's sign-in service refuses."""
