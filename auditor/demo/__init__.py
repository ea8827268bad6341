"""Builds two fictitious tenants and their policies, so that everything can be tried without credentials."""

from auditor.demo.policy_files import WRITTEN, policies
from auditor.demo.tenants import previous, snapshots

__all__ = ["WRITTEN", "policies", "previous", "snapshots"]
