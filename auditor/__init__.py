"""Policy-as-code licence auditor for Microsoft 365: policies × snapshot → findings → report."""

__version__ = "0.1.0"
__commit__ = ""
"""The commit that this release was built from, written by the release; empty in a working copy."""
