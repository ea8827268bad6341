"""Valid documents: one policy, and one of each kind with nearly every key of its schema."""

from pathlib import Path

from auditor.policy.schema.check import SchemaName

LEAVERS = """\
version: 1
policies:
- id: leavers
  title: Blocked accounts hold no paid licence
  severity: medium
  users: {accountEnabled: false}
  assignments: {of: paid, allow: []}
"""
"""A file with one policy, to which further policies can be appended."""

DENIED_TO_LEAVERS = (
    "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
)
"""A file with one policy, whose findings a plan can fix."""

SPARE_SEATS = "version: 1\npolicies:\n- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
"""A file with one policy, about the seats of the tenant."""


def document_text(schema: SchemaName) -> str:
    """Return a document with nearly every key of a schema."""
    return Path(__file__).with_name(f"{schema}.yaml").read_text(encoding="utf-8")
