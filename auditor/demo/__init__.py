"""Builds two fictitious tenants and their policies, to try everything without credentials."""

from auditor.demo.policy_files import WRITTEN, policies
from auditor.demo.tenants import previous, snapshots

__all__ = ["WRITTEN", "policies", "previous", "snapshots"]
