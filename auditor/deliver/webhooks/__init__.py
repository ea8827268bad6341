"""Sends messages to webhooks and checks their addresses."""
