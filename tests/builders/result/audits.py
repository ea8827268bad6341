"""Runs audits whose findings stay in memory."""

from auditor.app.audit.run import Request, audited
from auditor.domain.result.model import Result


def run(request: Request) -> Result:
    """Run the audit of a request."""
    with audited(request, None) as (result, *_):
        return result
