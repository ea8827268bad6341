"""Counts which action frees or takes which seats."""
