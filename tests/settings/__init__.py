"""The tenants file."""
