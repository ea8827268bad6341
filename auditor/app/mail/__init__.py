"""Builds and delivers the mails about a Result."""
