"""Selects findings of a table by status, fingerprint, or severity and policy, without decoding the others."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import arrow_rows
from auditor.arrays.texts import values_of
from auditor.domain.enums import Severity, Status
from auditor.domain.result.finding import Finding, Findings
from auditor.findings.columns import decode

_SELECTING: Final = ("severity", "policy")


def open_fingerprints(findings: Findings) -> tuple[str, ...]:
    """Return the fingerprints of the open findings in report order."""
    return tuple(fingerprint for _, fingerprints in _open_batches(findings) for fingerprint in fingerprints)


def open_findings(findings: Findings, named: AbstractSet[str]) -> tuple[Finding, ...]:
    """Return the open findings with one of these fingerprints, in report order."""
    return _selected(findings, lambda fingerprint: fingerprint in named)


def newly_open(findings: Findings, earlier: AbstractSet[str]) -> tuple[Finding, ...]:
    """Return the open findings whose fingerprints are not in `earlier`, in report order."""
    return _selected(findings, lambda fingerprint: fingerprint not in earlier)


def _selected(findings: Findings, is_wanted: Callable[[str], bool]) -> tuple[Finding, ...]:
    wanted = (
        batch.filter(pa.array([is_wanted(fingerprint) for fingerprint in fingerprints], pa.bool_()))
        for batch, fingerprints in _open_batches(findings)
    )
    return tuple(chain.from_iterable(map(decode, wanted)))


def fingerprints_of(findings: Findings) -> Iterator[str]:
    """Yield the fingerprints of all findings in report order."""
    return chain.from_iterable(values_of(batch.column("fingerprint")) for batch in findings.batches())


def selected_findings(findings: Findings, includes: Callable[[Severity, str], bool]) -> Findings:
    """Return a table of the findings whose severity and policy `includes` selects."""

    def selected(batch: pa.RecordBatch) -> pa.RecordBatch:
        firsts, group_of = equal_rows(batch, _SELECTING)
        severities, policies = (values_of(batch.column(name).take(arrow_rows(firsts))) for name in _SELECTING)
        is_included = [includes(*key) for key in zip(map(Severity, severities), policies, strict=True)]
        return batch.filter(pa.array(np.array(is_included, dtype=bool)[group_of]))

    return findings.map_batches(selected)


def _open_batches(findings: Findings) -> Iterator[tuple[pa.RecordBatch, list[str]]]:
    """Yield the open findings in report order, with their fingerprints."""
    for batch in findings.batches():
        open_ = batch.filter(pc.equal(batch.column("status").cast(pa.string()), Status.OPEN.value))
        yield open_, open_.column("fingerprint").to_pylist()
