"""A second, deliberately naive reading of the policy language: documents and tenants as plain dicts, into a verdict.

It is written from the language document alone, in plain loops, and shares no code with the program. Where the program
and this oracle disagree, one of them misreads the document.
"""

from tests.oracle.judge import judge
from tests.oracle.verdict import Catalogue, FindingKey, Judged, TenantVerdict, Verdict

__all__ = ["Catalogue", "FindingKey", "Judged", "TenantVerdict", "Verdict", "judge"]
