"""Builds the view model of mails and messages, and renders the text and HTML parts of mails."""
