"""Commands that check, test, explain and preview policies."""
