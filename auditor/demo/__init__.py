"""A story about two believable organisations into snapshots, and the policies they are audited with."""

from auditor.demo.policy_files import policies
from auditor.demo.tenants import previous, snapshots

__all__ = ["policies", "previous", "snapshots"]
