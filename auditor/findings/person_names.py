"""The people of findings and their names, read from columns."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.texts import equal, values_of
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding, Findings
from auditor.findings.columns import encode

User = tuple[str, str, str | None]
"""The id, name and userPrincipalName of a user."""

NAMED: Final = 12
"""The maximum number of people that an action names."""


def person_labels(batch: pa.RecordBatch) -> pa.StringArray:
    """Return the name of the person of each finding, with the address if it differs."""
    names, principals = batch.column("subjectName"), batch.column("principal")
    differ = pc.and_(pc.not_equal(principals, ""), pc.not_equal(principals, names))
    return pc.if_else(
        differ.fill_null(pa.scalar(value=False)), pc.binary_join_element_wise(names, " (", principals, ")", ""), names
    )


def users_in(*parts: Iterable[Finding]) -> Iterator[User]:
    """Yield the user of each finding about a user; a user with several findings is yielded several times."""
    for part in parts:
        for batch in part.batches() if isinstance(part, Findings) else [encode(tuple(part))]:
            users = batch.filter(pa.array(equal(batch.column("subjectType"), SubjectType.USER.value)))
            columns = (values_of(users.column(name)) for name in ("subjectId", "subjectName", "principal"))
            yield from zip(*columns, strict=True)
