"""Renders the verification of a remediation plan."""
