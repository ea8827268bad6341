"""Renders the remediation plan as HTML."""
