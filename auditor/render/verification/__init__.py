"""Writes what became of a remediation plan."""
