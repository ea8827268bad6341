"""An audit of what a request names, whose findings stay in memory."""

from auditor.app.audit.run import Request, audited
from auditor.domain.result.model import Result


def run(request: Request) -> Result:
    """Audit what the request names."""
    with audited(request, None) as (result, *_):
        return result
