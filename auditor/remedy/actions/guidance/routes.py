"""Routes findings to the documented articles that fix them, one by one and as columns.

For columns, the route of each distinct situation is computed once.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.arrays.columns import valid
from auditor.arrays.equal_rows import distinct_values, equal_rows
from auditor.arrays.rows import Rows, arrow_rows, distinct
from auditor.arrays.texts import codes, values_of
from auditor.checks.check import Correction, Detail
from auditor.checks.registry import articles_of, check_of, correction_of
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Finding
from auditor.engine.columns.assignments import ACTIVE_STATES
from auditor.findings.columns import decode, json_value
from auditor.findings.facts import FACTS
from auditor.guidance import Situation
from auditor.guidance.routing import account_facts
from auditor.remedy.actions.context import PopulationFacts, ProductFacts, RemediationContext, RoutedFinding

_CODED: Final = ("check", "subjectType")
"""The columns on whose values a situation depends; of other columns, it depends on values derived from them."""
_MAX_CACHED: Final = 16_384
"""JSON values whose projections are kept, in about 5 MiB; a million people have as many."""
_DISABLES: Final = MappingProxyType({Correction.DISABLE_SERVICE: True, Correction.ENABLE_SERVICE: False})
"""Whether a correction of services turns one off."""
_PRODUCT: Final = ("product", "skuId", "skuPartNumber")
_FACTS: Final = tuple(
    map(FACTS.index, ("accountEnabled", "userType", "mailboxType", "onPremisesSyncEnabled", "isTrial", "status"))
)
"""The indices in FACTS of the evidence that is part of a situation, besides the paths."""


def route_of(finding: Finding, context: RemediationContext) -> RoutedFinding:
    """Return the situation of a finding and its article; facts that were not collected are None.

    Findings in equal situations share one object.
    """
    key = finding.check, _situation(finding, context)
    if key not in context.routed:
        context.routed[key] = RoutedFinding(key[1], articles_of(*key)[0])
    return context.routed[key]


def _detail_key(detail: str | None) -> str | None:
    """Return the part of a detail that matters for a situation: the group of a licence in error is left out."""
    code, at_sign, _ = (detail or "").partition("@")
    return code + at_sign if at_sign else detail


def _evidence_facts(facts: Sequence[Any] | None) -> tuple[bool | str | None, ...]:
    """Return the values of FACTS that are part of a situation."""
    enabled, kind, mailbox, synced, trial, status = [None if facts is None else facts[index] for index in _FACTS]
    return (*_account(enabled, kind, mailbox), _flag(synced), _flag(trial), _text(status))


def _account(enabled: Any, kind: Any, mailbox: Any) -> tuple[bool | None, str | None, str | None]:
    return account_facts(account_enabled=_flag(enabled), user_type=_text(kind), mailbox_type=_text(mailbox))


def _situation(finding: Finding, context: RemediationContext) -> Situation:
    tenant, check, named = context.tenant, check_of(finding.check), finding.product
    product = ProductFacts() if named is None else context.product_facts(named.sku_id, named.sku_part_number)
    is_trial = _flag(finding.evidence.get("isTrial"))
    if is_trial is None and check.block is Seats:
        is_trial = product.is_trial
    of_subscription, is_error = finding.subject.type is SubjectType.SUBSCRIPTION, check.detail is Detail.ERROR
    error_path = "group" if "@" in (finding.detail or "") else "direct"
    return Situation(
        agreement=tenant.agreement,
        cloud=tenant.cloud,
        path=error_path if is_error else _path_kind(finding.evidence.get("paths")),
        self_service=product.self_service,
        error_code=_detail_key(finding.detail) if is_error else None,
        attribute=finding.detail if check.detail is Detail.PROPERTY else None,
        status=_text(finding.evidence.get("status")) if of_subscription else product.status,
        is_trial=True if check.of_trials else is_trial,
        disables=None if check.correction is None else _DISABLES.get(check.correction),
        replacement_required=_replacement(finding, context),
        **(_person(finding, context) if finding.subject.type is SubjectType.USER else {}),
    )


def _person(finding: Finding, context: RemediationContext) -> dict[str, Any]:
    evidence = finding.evidence
    synced = _flag(evidence.get("onPremisesSyncEnabled"))
    if synced is None and "onPremisesSyncEnabled" in context.user_properties:
        synced = False  # Graph omits it for cloud-only accounts.
    population = context.populations.get(finding.policy, PopulationFacts())
    enabled, kind, mailbox = _account(*map(evidence.get, ("accountEnabled", "userType", "mailboxType")))
    return {
        "account_enabled": enabled,
        "user_type": kind,
        "mailbox_type": mailbox,
        "on_premises_synced": synced,
        "inactive": population.inactive or None,
        "never_signed_in": population.never_signed_in or None,
        "directory_role": population.administrators or None,
    }


def _path_kind(paths: Sequence[Mapping[str, Any]] | None) -> str | None:
    """Return how assignment paths reach a user: `direct`, `group`, `both`, or None if none of them is active."""
    active = (path for path in paths or () if path.get("state") in ACTIVE_STATES)
    kinds = {"group" if path.get("assignedByGroup") else "direct" for path in active}
    return "both" if len(kinds) > 1 else next(iter(kinds), None)


def _replacement(finding: Finding, context: RemediationContext) -> bool | None:
    """Whether the product should be replaced by one of the same kind, or is such a replacement; None if not."""
    correction, product = correction_of(finding), finding.product
    if product is None or correction not in {Correction.REPLACE, Correction.ASSIGN}:
        return None
    key = finding.policy, finding.subject.id
    if correction is Correction.REPLACE:
        pairs = [(written, product.sku_id or "") for written in context.missing.get(key, ())]
    else:
        pairs = [(product.sku_part_number or "", old) for old in context.unwanted.get(key, ())]
    return True if any(context.replaces(written, old) for written, old in pairs) else None


def _flag(value: Any) -> bool | None:
    # 1 must not count as True.
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def routes_of(batch: pa.RecordBatch, context: RemediationContext) -> tuple[list[RoutedFinding], Rows]:
    """Return the distinct routes of findings, and for each finding the index of its route.

    The record batch must contain all findings about its subjects.
    """
    context, replaced = _replacements(batch, context)
    coded = [(codes(column), [*values_of(column.dictionary), None]) for column in map(batch.column, _CODED)]
    populations = _numbered(map(context.populations.get, values_of(batch.column("policy").dictionary)))
    columns = [
        *coded,
        (populations[0][codes(batch.column("policy"))], populations[1]),
        _products(batch, context),
        _details(batch),
        projected(batch.column("facts"), _evidence_facts, context.facts),
        projected(batch.column("paths"), _path_kind, context.paths),
        (replaced, (False, True)),
    ]
    keys, firsts, situation_of = distinct_values(columns)
    new = [index for index, key in enumerate(keys) if key not in context.routes]
    findings = decode(batch.take(arrow_rows(firsts[np.array(new, dtype=np.int64)])), brief=True)
    context.routes.update(
        (keys[index], route_of(finding, context)) for index, finding in zip(new, findings, strict=True)
    )
    return [context.routes[key] for key in keys], situation_of


def _products(batch: pa.RecordBatch, context: RemediationContext) -> tuple[Rows, list[Any]]:
    """Return for each finding the index of its product's facts, and the distinct facts."""
    firsts, product_of = equal_rows(batch, _PRODUCT)
    products = batch.select(list(_PRODUCT)).take(arrow_rows(firsts))
    rows = zip(*map(values_of, products.columns), strict=True)
    numbers, values = _numbered(context.product_facts(*names) if product else None for product, *names in rows)
    return numbers[product_of], values


def _details(batch: pa.RecordBatch) -> tuple[Rows, list[Any]]:
    """Return for each finding the index of its detail, and the distinct details on which situations depend."""
    checks, details = batch.column("check"), batch.column("detail")
    contents = [check_of(check).detail for check in checks.dictionary.to_pylist()]
    matters = np.array([content in {Detail.ERROR, Detail.PROPERTY} for content in contents], dtype=bool)
    numbers, values = _numbered([None, *map(_detail_key, values_of(details.dictionary)), None])
    return np.where(matters[codes(checks)], numbers[1:][codes(details)], 0), values


def projected(
    column: pa.DictionaryArray, project: Callable[[Any], Hashable], cache: dict[str | None, Hashable]
) -> tuple[Rows, list[Any]]:
    """Apply `project` to JSON values; return the index of each row's result, and the results; `cache` is by JSON."""
    if len(cache) > _MAX_CACHED:
        cache.clear()
    texts = [*values_of(column.dictionary), None]
    new = [text for text in texts if text not in cache]
    cache.update((text, project(None if text is None else json_value(text))) for text in new)
    numbers, values = _numbered(cache[text] for text in texts)
    return numbers[codes(column)], values


def _numbered(values: Iterable[Hashable]) -> tuple[Rows, list[Any]]:
    """Return the index of each value among the distinct values, and these in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64), list(numbers)


def _replacements(batch: pa.RecordBatch, context: RemediationContext) -> tuple[RemediationContext, Rows]:
    """Return a context with the findings that may exchange one product for another, and which findings do."""
    checks = batch.column("check")
    corrections = [check_of(check).correction for check in checks.dictionary.to_pylist()]
    added, removed = (
        np.array([correction is kind for correction in corrections], dtype=bool)[codes(checks)]
        & valid(batch.column("product"))
        for kind in (Correction.ASSIGN, Correction.REPLACE)
    )
    replaced = np.zeros(batch.num_rows, dtype=np.int64)
    if added.any() and removed.any():
        subjects = batch.column("subjectId").dictionary_encode()
        numbers = codes(batch.column("policy")) * (len(subjects.dictionary) + 1) + codes(subjects)
        rows = np.flatnonzero((added & _is_in(numbers, numbers[removed])) | (removed & _is_in(numbers, numbers[added])))
        findings = tuple(decode(batch.take(arrow_rows(rows)), brief=True))
        context = context.of(findings)
        replaced[rows] = [_replacement(finding, context) is True for finding in findings]
    return context, replaced


def _is_in(numbers: Rows, selected: Rows) -> Rows:
    values = distinct(selected)
    return np.asarray(values[np.minimum(np.searchsorted(values, numbers), len(values) - 1)] == numbers)
