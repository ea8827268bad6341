"""Policy-as-code licence auditor for Microsoft 365: policies × snapshot → findings → report."""

__version__ = "0.1.0"
