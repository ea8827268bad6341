"""Sends reading requests to Microsoft Graph and its sign-in service; the token goes to one host only."""
