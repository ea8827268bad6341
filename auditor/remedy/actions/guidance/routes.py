"""Findings as columns into their situations and articles: each distinct situation is worked out once."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.checks.check import Correction
from auditor.checks.registry import check_of
from auditor.engine.columns.bitsets import distinct, indices
from auditor.engine.columns.strings import valid
from auditor.engine.outcome import Rows
from auditor.findings.columns import alike, codes, combined, decode, json_value, values_of
from auditor.remedy.actions.context import (
    RemediationContext,
    RoutedFinding,
    path_kind_of,
    quoted_facts,
    replacement,
    situated,
    situates,
    situating,
)

_CODED: Final = ("check", "subjectType")
"""The columns on which a situation depends as they are; of others it depends on what they stand for."""
_PRODUCT: Final = ("product", "skuId", "skuPartNumber")


def routes_of(batch: pa.RecordBatch, known: RemediationContext) -> tuple[list[RoutedFinding], Rows]:
    """Return the different situations of findings, and per finding which of them it is in.

    The record batch holds all findings about its subjects.
    """
    known, replaced = _replacements(batch, known)
    facts = projected(batch.column("facts"), quoted_facts, known.facts)
    paths = projected(batch.column("paths"), path_kind_of, known.paths)
    coded = [(codes(column), [*values_of(column.dictionary), None]) for column in map(batch.column, _CODED)]
    populations = _numbered(map(known.population, values_of(batch.column("policy").dictionary)))
    policies = populations[0][codes(batch.column("policy"))], populations[1]
    columns = [*coded, policies, _products(batch, known), _details(batch), facts, paths, (replaced, (False, True))]
    firsts, situation_of = combined((numbers, len(values)) for numbers, values in columns)
    keys = list(zip(*([values[code] for code in own[firsts].tolist()] for own, values in columns), strict=True))
    new = [index for index, key in enumerate(keys) if key not in known.routes]
    findings = decode(batch.take(indices(firsts[np.array(new, dtype=np.int64)])), brief=True)
    known.routes.update((keys[index], situated(finding, known)) for index, finding in zip(new, findings, strict=True))
    return [known.routes[key] for key in keys], situation_of


def _products(batch: pa.RecordBatch, known: RemediationContext) -> tuple[Rows, list[Any]]:
    """Return what matters of products, and which of these each finding is about."""
    firsts, own = alike(batch, _PRODUCT)
    some = batch.select(list(_PRODUCT)).take(indices(firsts))
    keys = list(zip(*map(values_of, some.columns), strict=True))
    for named, *names in keys:
        if (named, *names) not in known.products:
            known.products[named, *names] = known.product_facts(*names) if named else None
    numbers, values = _numbered(known.products[key] for key in keys)
    return numbers[own], values


def _details(batch: pa.RecordBatch) -> tuple[Rows, list[Any]]:
    """Return the details on which situations depend, and which of them each finding has."""
    checks, details = batch.column("check"), batch.column("detail")
    matters = np.array([situates(check) for check in checks.dictionary.to_pylist()], dtype=bool)[codes(checks)]
    numbers, values = _numbered([None, *map(situating, values_of(details.dictionary)), None])
    return np.where(matters, numbers[1:][codes(details)], 0), values


def projected(
    column: pa.DictionaryArray, project: Callable[[Any], Hashable], known: dict[str | None, Hashable]
) -> tuple[Rows, list[Any]]:
    """Return what matters of JSON values, and which of these each row has; `known` is what mattered before."""
    texts = [*values_of(column.dictionary), None]
    new = [text for text in texts if text not in known]
    known.update((text, project(None if text is None else json_value(text))) for text in new)
    numbers, values = _numbered(known[text] for text in texts)
    return numbers[codes(column)], values


def _numbered(values: Iterable[Hashable]) -> tuple[Rows, list[Any]]:
    """Return which of the different values each one is, and these in their order."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64), list(numbers)


def _replacements(batch: pa.RecordBatch, known: RemediationContext) -> tuple[RemediationContext, Rows]:
    """Return which findings are about a product in exchange for another, and what those findings say."""
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
