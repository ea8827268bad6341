"""Reads Microsoft Graph: sign-in, retries, rate limits, paging and batches; the token is sent to one host only."""
