"""Reads Microsoft Graph: sign-in, retries, rate limits and paging; the token goes to one host only."""
