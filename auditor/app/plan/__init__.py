"""Creates the remediation plan and proves its effect on a copy of the snapshot."""
