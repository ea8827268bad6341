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
    situates,
    way_of,
)

_CODED: Final = ("policy", "check", "product", "skuId", "skuPartNumber", "subjectType")
"""The columns on which a situation depends, beside details, facts, paths and what the other findings say."""


def routes_of(batch: pa.RecordBatch, known: RemediationContext) -> tuple[list[RoutedFinding], Rows]:
    """Return the different situations of findings, and per finding which of them it is in.

    The record batch holds all findings about its subjects.
    """
    known, replaced = _replacements(batch, known)
    facts = _projected(batch.column("facts"), quoted_facts, known.facts)
    paths = _projected(batch.column("paths"), way_of, known.paths)
    coded = [(codes(column), [*values_of(column.dictionary), None]) for column in map(batch.column, _CODED)]
    columns = [*coded, _details(batch), facts, paths, (replaced, (False, True))]
    firsts, situation_of = combined((numbers, len(values)) for numbers, values in columns)
    keys = list(zip(*([values[code] for code in own[firsts].tolist()] for own, values in columns), strict=True))
    new = [place for place, key in enumerate(keys) if key not in known.routes]
    findings = decode(batch.take(indices(firsts[np.array(new, dtype=np.int64)])), brief=True)
    known.routes.update((keys[place], situated(finding, known)) for place, finding in zip(new, findings, strict=True))
    return [known.routes[key] for key in keys], situation_of


def _details(batch: pa.RecordBatch) -> tuple[Rows, list[Any]]:
    """Return the details on which situations depend, and which of them each finding has."""
    checks, details = batch.column("check"), batch.column("detail")
    matters = np.array([situates(check) for check in checks.dictionary.to_pylist()], dtype=bool)[codes(checks)]
    values = [*values_of(details.dictionary), None]
    return np.where(matters, codes(details), len(values) - 1), values


def _projected(
    column: pa.DictionaryArray, project: Callable[[Any], Hashable], known: dict[str | None, Hashable]
) -> tuple[Rows, list[Any]]:
    """Return what matters of JSON values, and which of these each row has; `known` is what mattered before."""
    texts = [*values_of(column.dictionary), None]
    new = [text for text in texts if text not in known]
    known.update((text, project(None if text is None else json_value(text))) for text in new)
    numbers: dict[Hashable, int] = {}
    found = [numbers.setdefault(known[text], len(numbers)) for text in texts]
    return np.array(found, dtype=np.int64)[codes(column)], list(numbers)


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
        findings = tuple(decode(batch.take(indices(rows)), brief=True))
        known = known.of(findings)
        replaced[rows] = [replacement(finding, known) is True for finding in findings]
    return known, replaced


def _among(numbers: Rows, wanted: Rows) -> Rows:
    listed = distinct(wanted)
    return np.asarray(listed[np.minimum(np.searchsorted(listed, numbers), len(listed) - 1)] == numbers)
