"""Makes the remediation plan and proves it."""
