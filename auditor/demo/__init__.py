"""Builds two fictitious tenants and their policies, so that everything can be tried without credentials."""

from auditor.demo.policy_files import policies
from auditor.demo.tenants import previous, snapshots

__all__ = ["policies", "previous", "snapshots"]
