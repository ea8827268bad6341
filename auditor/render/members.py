"""Members of enumerations under names of their own, for loops over very many findings.

In Python 3.11 `Status.OPEN` is a search that takes longer than what is done with it.
"""

from typing import Final

from auditor.domain.enums import Change, Status, SubjectType

OPEN: Final = Status.OPEN
WAIVED: Final = Status.WAIVED
NEW: Final = Change.NEW
REOPENED: Final = Change.REOPENED
UNCHANGED: Final = Change.UNCHANGED
PRODUCT: Final = SubjectType.PRODUCT
USER: Final = SubjectType.USER
