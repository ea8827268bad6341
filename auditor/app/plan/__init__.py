"""Makes the remediation plan and proves it on a copy of the snapshot."""
