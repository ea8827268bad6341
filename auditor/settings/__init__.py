"""Reads tenants.yaml: tenants, credentials (never secrets), recipients and mail."""
