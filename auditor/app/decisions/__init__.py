"""Turns approvals that come back as CSV into decisions."""
