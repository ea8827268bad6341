"""Reads Microsoft Graph: sign-in, retries, rate limits and paging; the token is sent to one host only."""
