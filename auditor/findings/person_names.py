"""The names of the people of findings in reports."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

NAMED: Final = 12
"""The maximum number of people that an action names."""


def person_labels(batch: pa.RecordBatch) -> pa.StringArray:
    """Return the name of the person of each finding, with the address if it differs."""
    names, principals = batch.column("subjectName"), batch.column("principal")
    differ = pc.and_(pc.not_equal(principals, ""), pc.not_equal(principals, names))
    return pc.if_else(
        differ.fill_null(pa.scalar(value=False)), pc.binary_join_element_wise(names, " (", principals, ")", ""), names
    )
