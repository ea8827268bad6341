"""Commands that audit tenants, and render and deliver results."""
