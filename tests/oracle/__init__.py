"""An independent, deliberately naive implementation of the policy language: judges tenants and policies as plain dicts.

It is written from the specification of the language alone, in plain loops, and shares no code with the program. If the
program and this oracle disagree, one of them misreads the specification.
"""

from tests.oracle.judge import judge
from tests.oracle.verdict import Catalogue, FindingKey, Judged, TenantVerdict, Verdict

__all__ = ["Catalogue", "FindingKey", "Judged", "TenantVerdict", "Verdict", "judge"]
