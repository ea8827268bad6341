"""Which users have a value in a property, as findings."""

import numpy as np

from auditor.engine.scope import Found, Scope
from auditor.engine.skus.masks import Mask


def reported(scope: Scope, violation: Mask, name: str) -> Found:
    """Report the users of a mask; the detail is the name of the property."""
    return scope.findings(np.flatnonzero(violation.true), details=(name,)), violation.unknown
