"""Reads a plan and the log of its changes, audits the tenants again, and has `remedy.verification` compare them."""
