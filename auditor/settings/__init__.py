"""A tenants file into frozen values."""
