"""Builds results of audits."""
