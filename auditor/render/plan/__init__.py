"""Writes the remediation plan for people."""
