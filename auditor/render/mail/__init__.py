"""Renders the text and HTML parts of mails."""
