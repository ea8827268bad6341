"""Talks to Microsoft Graph and its sign-in service, reads only, and sends the token to one host."""
