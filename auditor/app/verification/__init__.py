"""Verifies plans: reads a plan and the log of changes, and compares them with the state of tenants."""
