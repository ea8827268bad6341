"""Builds tenants, their snapshots and their nights."""
