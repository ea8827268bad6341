"""Judges people, products, subscriptions, groups and tenants: one module per constraint block."""
