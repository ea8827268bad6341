"""Findings as columns into their situations and articles: each distinct situation is worked out once."""

from collections.abc import Callable, Hashable
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.checks.check import Correction
from auditor.checks.registry import check_of
from auditor.engine.columns.bitsets import distinct, indices
from auditor.engine.columns.strings import valid
from auditor.engine.outcome import Rows
from auditor.findings.columns import codes, combined, decode, json_value, values_of
from auditor.remedy.actions.context import (
    RemediationContext,
    RoutedFinding,
    quoted_facts,
    replacement,
    situated,
    way_of,
)

_CODED: Final = ("policy", "check", "detail", "product", "skuId", "skuPartNumber", "subjectType")
"""The columns on which a situation depends, beside facts, paths and what the other findings say."""


def routes_of(batch: pa.RecordBatch, known: RemediationContext) -> tuple[list[RoutedFinding], Rows]:
    """Return the different situations of findings, and per finding which of them it is in.

    The record batch holds all findings about its subjects.
    """
    known, replaced = _replacements(batch, known)
    columns = [
        *((codes(column), len(column.dictionary) + 1) for column in map(batch.column, _CODED)),
        _projected(batch.column("facts"), quoted_facts),
        _projected(batch.column("paths"), way_of),
        (replaced, 2),
    ]
    firsts, situation_of = combined(columns)
    return [situated(finding, known) for finding in decode(batch.take(indices(firsts)))], situation_of


def _projected(column: pa.DictionaryArray, project: Callable[[Any], Hashable]) -> tuple[Rows, int]:
    """Return per row the number of what matters of a JSON value, and the bound of these numbers."""
    numbers: dict[Hashable, int] = {}
    values = [*map(json_value, values_of(column.dictionary)), None]
    found = [numbers.setdefault(project(value), len(numbers)) for value in values]
    return np.array(found, dtype=np.int64)[codes(column)], len(numbers)


def _replacements(batch: pa.RecordBatch, known: RemediationContext) -> tuple[RemediationContext, Rows]:
    """Return which findings are about a product in exchange for another, and what the findings say that tell so."""
    checks = batch.column("check")
    corrections = [check_of(check).correction for check in checks.dictionary.to_pylist()]
    comes, goes = (
        np.array([each is wanted for each in corrections], dtype=bool)[codes(checks)] & valid(batch.column("product"))
        for wanted in (Correction.ASSIGN, Correction.REPLACE)
    )
    replaced = np.zeros(batch.num_rows, dtype=np.int64)
    if comes.any() and goes.any():
        subjects = batch.column("subjectId").dictionary_encode()
        numbers = codes(batch.column("policy")) * (len(subjects.dictionary) + 1) + codes(subjects)
        rows = np.flatnonzero((comes & _among(numbers, numbers[goes])) | (goes & _among(numbers, numbers[comes])))
        findings = tuple(decode(batch.take(indices(rows))))
        known = known.of(findings)
        replaced[rows] = [replacement(finding, known) is True for finding in findings]
    return known, replaced


def _among(numbers: Rows, wanted: Rows) -> Rows:
    listed = distinct(wanted)
    return np.asarray(listed[np.minimum(np.searchsorted(listed, numbers), len(listed) - 1)] == numbers)
